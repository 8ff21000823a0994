#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret_bytes.h"
#include "cli/output.h"

namespace keyhold::cli {

/// Columns under headings, as Vault prints them: four spaces between, a line of dashes below each heading, "n/a" for nothing.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  void row(std::vector<SecretBytes> cells) { rows_.push_back(std::move(cells)); }
  void row(std::initializer_list<std::string_view> cells);
  /// Of two columns.
  void row(std::string_view name, SecretBytes value);
  bool empty() const { return rows_.empty(); }

  /// width_max  Columns of the terminal: cells of three columns and more are cut to it, the widest first, and end with "…". 0: no limit. The
  ///            values of two columns are never cut, so that they can be copied.
  void print(Output& out, std::size_t width_max) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<SecretBytes>> rows_;
};

/// Characters, as columns of a terminal.
std::size_t display_width(std::string_view text);

/// "====== Data ======", as wide as Vault makes it for what is below, which is `width` wide.
std::string section_heading(std::string_view title, std::size_t width);

}  // namespace keyhold::cli
