#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/encoding.h"

namespace keyhold::crypto {

using TestVector = std::map<std::string, std::string>;

/// The vectors of a file in testdata/: paragraphs of lines `name = value in hexadecimal`; # starts a comment line.
inline std::vector<TestVector> load_test_vectors(const std::string& file) {
  std::ifstream lines(KEYHOLD_SOURCE_DIR "/src/crypto/testdata/" + file);
  std::vector<TestVector> vectors;
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t name_end = line.find(" =");
    if (line.starts_with('#')) continue;
    if (name_end == std::string::npos) {
      within = false;
      continue;
    }
    if (!within) vectors.emplace_back();
    within = true;
    const std::string value = name_end + 3 < line.size() ? line.substr(name_end + 3) : "";
    vectors.back()[line.substr(0, name_end)] = hex_decode(value).value();
  }
  CHECK(!vectors.empty());
  return vectors;
}

}  // namespace keyhold::crypto
