#include "core/audit/forward/cursor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/json.h"
#include "core/audit/journal_file.h"
#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

constexpr std::string_view kBegin = "{\"version\":1,\"streams\":[";
constexpr std::string_view kCheck = "],\"check\":\"";
constexpr std::size_t kCursorBytesMax = 1024 * 1024;  // 1024 streams of 400 bytes.
constexpr std::uint64_t kStreamMax = 9999;

void append_position(std::string& out, std::string_view name, const Position& position) {
  out.append(",\"").append(name).append("\":{\"file\":").append(std::to_string(position.file));
  out.append(",\"offset\":").append(std::to_string(position.offset));
  out.append(",\"seq\":").append(std::to_string(position.sequence)).append(",\"chain\":\"");
  append_hex(out, crypto::as_view(position.chain));
  out.append("\"}");
}

std::optional<std::uint64_t> number(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? parse_decimal(value->raw()) : std::nullopt;
}

std::optional<Position> position(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  if (!value || !value->is_object()) return std::nullopt;
  const auto file = number(*value, "file");
  const auto offset = number(*value, "offset");
  const auto sequence = number(*value, "seq");
  const auto chain = value->find("chain");
  if (!file || !offset || !sequence || !chain || chain->raw().size() < 2) return std::nullopt;
  const auto digest = digest_from_hex(chain->raw().substr(1, chain->raw().size() - 2));
  if (!digest) return std::nullopt;
  return Position{.file = *file, .offset = *offset, .sequence = *sequence, .chain = *digest};
}

}  // namespace

std::string Cursor::text() const {
  std::string out(kBegin);
  for (const auto& [index, stream] : streams) {
    if (out.size() > kBegin.size()) out.push_back(',');
    out.append("{\"stream\":").append(std::to_string(index));
    append_position(out, "from", stream.from);
    append_position(out, "through", stream.through);
    out.push_back('}');
  }
  const Digest check = crypto::sha256(out, "");
  out.append(kCheck);
  append_hex(out, crypto::as_view(check));
  out.append("\"}\n");
  return out;
}

std::optional<Cursor> Cursor::parse(std::string_view text) {
  const auto document = json::Document::parse(text);
  if (!document.ok()) return std::nullopt;
  const auto list = document->root().find("streams");
  if (!list || !list->is_array()) return std::nullopt;
  Cursor cursor;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::Value entry = list->at(i);
    const auto index = number(entry, "stream");
    const auto from = position(entry, "from");
    const auto through = position(entry, "through");
    if (!index || *index > kStreamMax || !from || !through || through->before(*from)) return std::nullopt;
    cursor.streams[static_cast<int>(*index)] = {.from = *from, .through = *through};
  }
  // One spelling only; covers the version and the check.
  if (cursor.text() != text) return std::nullopt;
  return cursor;
}

std::string cursor_file_name(std::string_view device) { return std::string(device) + ".cursor"; }

Result<Cursor> load_cursor(const std::string& directory, std::string_view device) {
  const std::string path = directory + "/" + cursor_file_name(device);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return Error{Code::kNotFound, "there is no cursor"};
  if (!file.valid()) return system_error("the cursor of an audit device cannot be opened");
  std::string text(kCursorBytesMax, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return system_error("the cursor of an audit device cannot be read");
  text.resize(static_cast<std::size_t>(got));
  auto cursor = Cursor::parse(text);
  if (!cursor) return Error{Code::kCorrupt, "the cursor of an audit device is damaged"};
  return *std::move(cursor);
}

Result<void> save_cursor(const std::string& directory, std::string_view device, const Cursor& cursor) {
  return replace_file(directory, cursor_file_name(device), cursor.text());
}

}  // namespace keyhold::core::audit
