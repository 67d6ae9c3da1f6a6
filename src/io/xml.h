#pragma once

#include <string>
#include <string_view>

namespace unroll {

/// The attributes of an XML element. Names are without prefix.
class XmlAttributes {
 public:
  explicit XmlAttributes(const char* const* names_and_values) : list_(names_and_values) {}
  /// Its value; empty if there is none.
  std::string_view operator[](std::string_view name) const;

 private:
  const char* const* list_;  // of expat: name, value, name, value, null
};

/// Receives the elements of an XML document. Names are without prefix, so documents that differ only in their
/// namespaces are the same. Texts are UTF-8 and may arrive in several pieces.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  virtual void start(std::string_view element, const XmlAttributes& attributes) = 0;
  virtual void end(std::string_view element) = 0;
  virtual void text(std::string_view /*piece*/) {}
};

/// Parses `xml`, which messages call `name`. Throws Error(bad_data), with the byte offset, for a document that is not
/// well-formed; for one with a document type declaration, so that no entity is expanded and no other file is read; and
/// for nesting beyond 100 elements and single tags beyond a megabyte.
void parse_xml(std::string_view xml, const std::string& name, XmlHandler& handler);

}  // namespace unroll
