#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "engine/engine_fixture.h"

/// Key shares in tests, as the API tells and takes them.
namespace keyhold::engine::test {

using Shares = std::vector<std::string>;

/// Those of an answer; none when it has no such member.
inline Shares shares_in(const Got& got, std::string_view member = "keys") {
  Shares shares;
  const auto document = json::Document::parse(got.data);
  if (!document.ok()) return shares;
  const auto list = document->root().find(member);
  for (std::size_t i = 0; list && i < list->size(); ++i) shares.push_back(list->at(i).as_string().value());
  return shares;
}

inline std::string share_body(const std::string& share, const std::string& nonce = "") {
  return R"({"key":")" + share + R"(","nonce":")" + nonce + R"("})";
}

}  // namespace keyhold::engine::test
