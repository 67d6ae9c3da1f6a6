#include "io/zip.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "io/file.h"
#include "io/other_format.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

struct Member {
  zip_uint64_t index = 0;
  std::string name;      // as UTF-8
  std::string raw_name;  // as stored in the archive
};

/// True for what file managers add to a folder or an archive: no text.
bool added_by_system(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return path.starts_with("__MACOSX/") || name == ".DS_Store" || name == "Thumbs.db" || name == "desktop.ini" ||
         name.starts_with("._");
}

std::string list(const std::vector<Member>& members) {
  constexpr std::size_t longest = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(members.size(), longest); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(members[i].name);
  }
  return members.size() <= longest ? text : fmt::format("{} and {} more", text, members.size() - longest);
}

/// An archive in memory, its name in messages, and its files.
class Archive {
 public:
  Archive(std::string_view bytes, const std::string& source);

  const Member& only() const;
  const Member& find(const std::string& name) const;
  std::string read(const Member& member, std::uint64_t longest) const;
  const std::vector<Member>& members() const { return members_; }

 private:
  void find_members();
  zip_stat_t checked_status(const Member& member, std::uint64_t longest) const;
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", source_name(source_), reason));
  }
  [[noreturn]] void refuse(const Member& member, const std::string& reason) const {
    refuse(fmt::format("the zip member {} {}", in_quotes(member.name), reason));
  }
  [[noreturn]] void refuse_as_damaged(const Member& member, zip_error_t* error) const {
    refuse(member, fmt::format("is damaged ({}); fetch or pack the archive again", zip_error_strerror(error)));
  }
  [[noreturn]] void refuse_as_too_long(const Member& member, const std::string& size, std::uint64_t longest) const {
    refuse(member, fmt::format("unpacks to {} bytes, and {} is the limit; unpack it yourself and pass the plain file",
                               size, longest));
  }

  std::string source_;
  std::unique_ptr<zip_t, Discard> archive_;
  std::vector<Member> members_;
};

Archive::Archive(std::string_view bytes, const std::string& source) : source_(source) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* buffer = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (buffer == nullptr) throw std::bad_alloc();
  archive_.reset(zip_open_from_source(buffer, ZIP_RDONLY, &error));
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (archive_ == nullptr) {
    zip_source_free(buffer);
    refuse(fmt::format("the zip archive is truncated or damaged ({}); fetch or pack it again", reason));
  }
  find_members();
}

void Archive::find_members() {
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* name = zip_get_name(archive_.get(), index, ZIP_FL_ENC_GUESS);
    const char* raw_name = zip_get_name(archive_.get(), index, ZIP_FL_ENC_RAW);
    if (name == nullptr || raw_name == nullptr) refuse("the zip archive is damaged (a name); fetch or pack it again");
    Member member{index, name, raw_name};
    if (!member.name.ends_with('/') && !added_by_system(member.name)) members_.push_back(std::move(member));
  }
  if (members_.empty()) refuse("the zip archive holds no file; pack a text into it");
}

const Member& Archive::only() const {
  if (members_.size() == 1) return members_.front();
  for (const Member& member : members_) refuse_document(member.name, source_name(source_));
  refuse(fmt::format("the zip archive holds {} files, {}; name one of them, as {}:NAME", members_.size(),
                     list(members_), source_));
}

const Member& Archive::find(const std::string& name) const {
  const auto has_name = [&](const Member& member) { return member.name == name || member.raw_name == name; };
  const auto found = std::ranges::find_if(members_, has_name);
  if (const auto count = std::ranges::count_if(members_, has_name); count > 1) {
    refuse(*found, fmt::format("is there {} times; unpack the archive yourself and pass the plain file", count));
  }
  if (found != members_.end()) return *found;
  const bool has_workbook =
      std::ranges::any_of(members_, [](const Member& member) { return member.name.ends_with(".xlsx"); });
  refuse(fmt::format("the zip archive holds no {}; name one of these: {}{}", in_quotes(name), list(members_),
                     has_workbook ? "; to name a sheet of a workbook, unpack the archive" : ""));
}

zip_stat_t Archive::checked_status(const Member& member, std::uint64_t longest) const {
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat_index(archive_.get(), member.index, 0, &status) != 0)
    refuse_as_damaged(member, zip_get_error(archive_.get()));
  if ((status.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && status.encryption_method != ZIP_EM_NONE) {
    refuse(member, "is encrypted; unpack it with its password and pass the plain file");
  }
  if ((status.valid & ZIP_STAT_COMP_METHOD) != 0 &&
      zip_compression_method_supported(status.comp_method, /*compress=*/0) == 0) {
    refuse(member,
           fmt::format("is compressed by method {}, which is not supported; pack it with deflate", status.comp_method));
  }
  if ((status.valid & ZIP_STAT_SIZE) == 0) refuse(member, "has no size; fetch or pack the archive again");
  if (status.size > longest) refuse_as_too_long(member, fmt::format("{}", status.size), longest);
  return status;
}

std::string Archive::read(const Member& member, std::uint64_t longest) const {
  const zip_stat_t status = checked_status(member, longest);
  const std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(archive_.get(), member.index, 0));
  if (file == nullptr) refuse_as_damaged(member, zip_get_error(archive_.get()));
  std::array<char, 1 << 16> buffer;
  std::string text;
  while (true) {  // libzip reports a wrong checksum only in the read after the last byte
    const zip_int64_t count = zip_fread(file.get(), buffer.data(), buffer.size());
    if (count < 0) refuse_as_damaged(member, zip_file_get_error(file.get()));
    if (count == 0) break;
    if (static_cast<std::uint64_t>(count) > longest - text.size()) {  // the size in the archive may be false
      refuse_as_too_long(member, fmt::format("more than {}", longest), longest);
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (text.size() != status.size) {
    refuse(member, fmt::format("is damaged ({} bytes instead of {}); fetch or pack the archive again", text.size(),
                               status.size));
  }
  return text;
}

}  // namespace

bool is_zip(std::string_view bytes) {
  // A local header, the end record of an empty archive, the marker of an archive that was once split.
  return bytes.starts_with("PK\3\4") || bytes.starts_with("PK\5\6") || bytes.starts_with("PK\7\10");
}

std::string unzip(std::string_view bytes, const std::string& source, const std::optional<std::string>& member,
                  std::uint64_t longest) {
  const Archive archive(bytes, source);
  return archive.read(member.has_value() ? archive.find(*member) : archive.only(), longest);
}

std::vector<std::string> zip_members(std::string_view bytes, const std::string& source) {
  const Archive archive(bytes, source);
  std::vector<std::string> names;
  for (const Member& member : archive.members()) names.push_back(member.name);
  return names;
}

bool is_workbook(std::string_view archive, const std::string& source) {
  const std::vector<std::string> names = zip_members(archive, source);
  return std::ranges::any_of(names, is_workbook_part);
}

}  // namespace unroll
