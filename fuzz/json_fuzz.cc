// Our JSON parser and Boost's agree on what is JSON and on what it says, but for what json.h documents as stricter.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace {

using namespace keyhold;

void check_same(const json::Value& ours, const boost::json::value& theirs) {
  switch (ours.kind()) {
    case json::Kind::kNull: CHECK(theirs.is_null()); return;
    case json::Kind::kBool: CHECK(*ours.as_bool() == theirs.as_bool()); return;
    case json::Kind::kNumber:
      CHECK(theirs.is_number());
      if (theirs.is_int64()) CHECK(*ours.as_int() == theirs.as_int64());
      if (theirs.is_uint64()) CHECK(!ours.as_int().ok());
      static_cast<void>(ours.as_double());
      return;
    case json::Kind::kString:
      CHECK(ours.as_secret()->reveal() == std::string_view(theirs.as_string()));
      CHECK(*ours.as_string() == std::string_view(theirs.as_string()));
      return;
    case json::Kind::kArray:
      CHECK(theirs.as_array().size() == ours.size());
      for (std::size_t index = 0; index < ours.size(); ++index) check_same(ours.at(index), theirs.as_array()[index]);
      return;
    case json::Kind::kObject:
      CHECK(theirs.as_object().size() == ours.size());
      for (std::size_t index = 0; index < ours.size(); ++index) {
        const std::string key = ours.key_at(index);
        CHECK(ours.find(key)->raw() == ours.at(index).raw());
        const auto* member = theirs.as_object().if_contains(key);
        CHECK(member != nullptr);
        check_same(ours.at(index), *member);
      }
  }
}

void check_parser(std::string_view text) {
  const auto ours = json::Document::parse(text);
  boost::json::parse_options options;
  options.max_depth = limits::kJsonDepthMax;
  boost::json::error_code failure;
  const boost::json::value theirs = boost::json::parse({text.data(), text.size()}, failure, {}, options);
  if (failure == boost::json::error::exponent_overflow) return;  // A number is text to us, of any size.
  if (ours.ok()) {
    CHECK(!failure.failed());
    check_same(ours->root(), theirs);
    return;
  }
  const std::string& reason = ours.error().message;
  const bool stricter = reason.ends_with("a duplicate key") || reason.ends_with("too many values");
  CHECK(failure.failed() || stricter);
}

/// Whatever is written as a string reads back, the same when it was UTF-8.
void check_writer(std::string_view text) {
  SecretBytes out;
  json::append_quoted(out, text);
  const auto read = json::Document::parse(out.reveal());
  CHECK(read.ok());
  const std::string back = *read->root().as_string();
  CHECK(back == text || back.find("\xEF\xBF\xBD") != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_parser(text);
  check_writer(text);
  return 0;
}
