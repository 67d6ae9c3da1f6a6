#pragma once

#include <string>
#include <utility>
#include <vector>

#include "io/archives.h"

namespace unroll {

/// A workbook of Office Open XML, for tests.
struct TestWorkbook {
  std::vector<std::pair<std::string, std::string>> sheets;  ///< name, and XML of <sheetData> and what follows it
  std::vector<std::string> strings = {};                    ///< XML within <si>
  std::vector<int> styles = {};                             ///< format of each cell style
  std::vector<std::pair<int, std::string>> formats = {};    ///< format with its code
  std::string properties = "";                              ///< attributes of the workbook
  std::string kind = "worksheet";                           ///< of the first sheet
  std::string space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

  std::vector<std::pair<std::string, std::string>> parts() const {
    const std::string relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const std::string begin = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    std::string list, relations;
    const auto relate = [&](const std::string& id, const std::string& type, const std::string& target) {
      relations += "<Relationship Id=\"" + id + "\" Type=\"" + relation + "/" + type + "\" Target=\"" + target + "\"/>";
    };
    std::vector<std::pair<std::string, std::string>> all;
    for (std::size_t i = 0; i < sheets.size(); ++i) {
      const std::string number = std::to_string(i + 1), part = "worksheets/sheet" + number + ".xml";
      list += "<sheet name=\"" + sheets[i].first + "\" sheetId=\"" + number + "\" r:id=\"rId" + number + "\"/>";
      relate("rId" + number, i == 0 ? kind : "worksheet", i == 0 ? part : "/xl/" + part);
      all.emplace_back("xl/" + part, begin + "<worksheet xmlns=\"" + space + "\">" + sheets[i].second + "</worksheet>");
    }
    relate("s", "styles", "styles.xml");
    relate("t", "sharedStrings", "sharedStrings.xml");
    std::string styles_xml = "<numFmts>", strings_xml;
    for (const auto& [id, code] : formats)
      styles_xml += "<numFmt numFmtId=\"" + std::to_string(id) + "\" formatCode=\"" + code + "\"/>";
    styles_xml += "</numFmts><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs>";
    for (const int id : styles) styles_xml += "<xf numFmtId=\"" + std::to_string(id) + "\"/>";
    styles_xml += "</cellXfs>";
    for (const std::string& text : strings) strings_xml += "<si>" + text + "</si>";
    all.emplace_back("xl/workbook.xml", begin + "<workbook xmlns=\"" + space + "\" xmlns:r=\"" + relation +
                                            "\"><workbookPr " + properties + "/><sheets>" + list +
                                            "</sheets></workbook>");
    all.emplace_back("xl/_rels/workbook.xml.rels", "<Relationships>" + relations + "</Relationships>");
    all.emplace_back("xl/styles.xml", "<styleSheet>" + styles_xml + "</styleSheet>");
    all.emplace_back("xl/sharedStrings.xml", "<sst>" + strings_xml + "</sst>");
    return all;
  }

  std::string bytes() const { return packed_workbook(parts()); }

  static std::string packed_workbook(const std::vector<std::pair<std::string, std::string>>& parts) {
    std::vector<ZipMember> members = {stored_zip_member("[Content_Types].xml", "<Types/>")};
    for (const auto& [name, xml] : parts) members.push_back(stored_zip_member(name, xml));
    return zipped(members);
  }
};

}  // namespace unroll
