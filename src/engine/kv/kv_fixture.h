#pragma once

#include "engine/engine_fixture.h"

namespace keyhold::engine::test {

inline std::string data(std::string_view content) { return R"({"data":)" + std::string(content) + "}"; }

/// A node with an empty kv-v2 at "kv/", and short words for its routes.
class KvTest : public EngineTest {
 protected:
  Got put(std::string_view name, std::string_view content) { return node_.write("kv/data/" + std::string(name), data(content)); }
  Got put_cas(std::string_view name, std::string_view cas) {
    return node_.write("kv/data/" + std::string(name), R"({"data":{},"options":{"cas":)" + std::string(cas) + "}}");
  }
  Got get(std::string_view name, std::string_view version = "0") {
    return node_.ask({.path = "kv/data/" + std::string(name), .query = {{"version", std::string(version)}}});
  }
  Got post(std::string_view route, std::string_view name, std::string_view versions) {
    return node_.write("kv/" + std::string(route) + "/" + std::string(name), R"({"versions":)" + std::string(versions) + "}");
  }
  Got patch(std::string path, std::string body, std::optional<std::string> token = {}) {
    return node_.ask({.operation = core::Operation::kPatch, .path = std::move(path), .token = std::move(token), .body = std::move(body)});
  }
  Got patch_data(std::string_view name, std::string_view change) { return patch("kv/data/" + std::string(name), data(change)); }
  Got metadata(std::string_view name) { return node_.read("kv/metadata/" + std::string(name)); }
  Got set_metadata(std::string_view name, std::string_view body) {
    return node_.write("kv/metadata/" + std::string(name), std::string(body));
  }
  Got set_config(std::string_view body) { return node_.write("kv/config", std::string(body)); }
  Got list(std::string path, std::vector<std::pair<std::string, std::string>> query = {}) {
    return node_.ask({.operation = core::Operation::kList, .path = std::move(path), .query = std::move(query)});
  }
  Got scan(std::string path, std::vector<std::pair<std::string, std::string>> query = {}) {
    return node_.ask({.operation = core::Operation::kScan, .path = std::move(path), .query = std::move(query)});
  }
  /// An operation's error text; empty when there was none.
  static std::string said(const Got& got) { return got.error ? got.error->message : ""; }
  std::size_t stored(char kind) { return core::test::count_keys(memory_, core::keys::with_owner(kind, mount_id("kv/"))); }
};

}  // namespace keyhold::engine::test
