"""Excel workbooks (xlsx) for tests."""

import datetime
from xml.sax.saxutils import escape

from archives import archive

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def cell(value):
    if value is None:
        return "<c/>"
    if isinstance(value, datetime.date):
        return f'<c s="1"><v>{(value - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c><v>{value!r}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def workbook(sheets):
    """The bytes of a workbook: a dictionary of the names of its sheets and their rows, which are lists."""
    members = {"[Content_Types].xml": "<Types/>",
               "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'}
    names = relations = ""
    for i, (name, rows) in enumerate(sheets.items()):
        names += f'<sheet name="{escape(name)}" sheetId="{i + 1}" r:id="r{i}"/>'
        relations += f'<Relationship Id="r{i}" Type="{RELATION}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        lines = "".join("<row>" + "".join(map(cell, row)) + "</row>" for row in rows)
        members[f"xl/worksheets/sheet{i}.xml"] = f"<worksheet><sheetData>{lines}</sheetData></worksheet>"
    members["xl/workbook.xml"] = f'<workbook xmlns:r="{RELATION}"><sheets>{names}</sheets></workbook>'
    members["xl/_rels/workbook.xml.rels"] = (f'<Relationships>{relations}<Relationship Id="s" Type="{RELATION}/styles" '
                                             'Target="styles.xml"/></Relationships>')
    return archive(members)
