#include "io/xml.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>

#include "unroll/error.h"

namespace unroll {
namespace {

constexpr int max_depth = 100;
/// expat buffers a tag until it has ended and parses it again with each piece, so the time for a tag grows with its
/// square.
constexpr std::size_t max_tag = 1 << 20;
constexpr std::size_t xml_piece = 1 << 16;

std::string_view local_name(std::string_view name) { return name.substr(name.rfind(':') + 1); }

/// A document while it is parsed. Callbacks are called from C code: exceptions must not propagate through it.
class XmlDocument {
 public:
  XmlDocument(const std::string& name, XmlHandler& handler)
      : name_(name), handler_(handler), parser_(XML_ParserCreate(nullptr)) {
    if (parser_ == nullptr) throw std::bad_alloc();
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
  }

  void parse(std::string_view xml) {
    std::size_t fed = 0;
    do {
      const std::string_view piece = xml.substr(fed, xml_piece);
      fed += piece.size();
      without_event_ += piece.size();
      const XML_Status status = XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()),
                                          /*isFinal=*/fed == xml.size() ? 1 : 0);
      if (failure_) std::rethrow_exception(failure_);
      if (status != XML_STATUS_OK) refuse(XML_ErrorString(XML_GetErrorCode(parser_.get())));
      if (without_event_ > max_tag + xml_piece) refuse("a tag longer than a megabyte");
    } while (fed < xml.size());
  }

 private:
  struct FreeParser {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };

  template <class Action>
  static void guarded(void* document, Action action) {
    auto& self = *static_cast<XmlDocument*>(document);
    if (self.failure_) return;
    self.without_event_ = 0;
    try {
      action(self);
    } catch (...) {
      self.failure_ = std::current_exception();
      XML_StopParser(self.parser_.get(), XML_FALSE);
    }
  }

  static void on_start(void* document, const XML_Char* name, const XML_Char** attributes) {
    guarded(document, [&](XmlDocument& self) {
      if (++self.depth_ > max_depth) self.refuse(fmt::format("more than {} nested elements", max_depth));
      self.handler_.start(local_name(name), XmlAttributes(attributes));
    });
  }
  static void on_end(void* document, const XML_Char* name) {
    guarded(document, [&](XmlDocument& self) {
      --self.depth_;
      self.handler_.end(local_name(name));
    });
  }
  static void on_text(void* document, const XML_Char* text, int size) {
    guarded(document, [&](XmlDocument& self) { self.handler_.text({text, static_cast<std::size_t>(size)}); });
  }
  static void on_doctype(void* document, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    guarded(document, [&](XmlDocument& self) { self.refuse("a document type declaration"); });
  }

  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::bad_data,
                fmt::format("{} is damaged at byte {} ({}); open the workbook in its program and save it again", name_,
                            std::max<XML_Index>(XML_GetCurrentByteIndex(parser_.get()), 0), reason));
  }

  std::string name_;
  XmlHandler& handler_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser_;
  int depth_ = 0;
  std::size_t without_event_ = 0;  ///< bytes since the last callback
  std::exception_ptr failure_;     ///< thrown within a callback
};

}  // namespace

std::string_view XmlAttributes::operator[](std::string_view name) const {
  for (const char* const* at = list_; *at != nullptr; at += 2) {
    if (local_name(at[0]) == name) return at[1];
  }
  return {};
}

void parse_xml(std::string_view xml, const std::string& name, XmlHandler& handler) {
  XmlDocument(name, handler).parse(xml);
}

}  // namespace unroll
