#include "cli/table.h"

#include <algorithm>

namespace keyhold::cli {
namespace {

constexpr std::string_view kGap = "    ";
constexpr std::string_view kNothing = "n/a";
constexpr std::string_view kCut = "…";
constexpr std::size_t kCellWidthMin = 8;  // Cut to less, a column tells nothing.

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

std::string_view shown(const SecretBytes& cell) { return cell.empty() ? kNothing : cell.reveal(); }

/// The first `width` characters.
std::string_view front(std::string_view text, std::size_t width) {
  std::size_t bytes = 0;
  while (bytes < text.size() && (width > 0 || continues(text[bytes]))) {
    if (!continues(text[bytes])) --width;
    ++bytes;
  }
  return text.substr(0, bytes);
}

void append_cell(SecretBytes& line, std::string_view text, std::size_t width, bool last) {
  const std::size_t needed = display_width(text);
  if (needed > width) {
    line.append(front(text, width - 1));
    line.append(kCut);
  } else {
    line.append(text);
    if (!last) line.append(std::string(width - needed, ' '));
  }
  if (!last) line.append(kGap);
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

std::string section_heading(std::string_view title, std::size_t width) {
  std::size_t signs = width > title.size() + 2 ? width - title.size() - 2 : 4;
  signs += signs % 2;
  const std::string side(signs / 2, '=');
  return side + " " + std::string(title) + " " + side;
}

void Table::row(std::initializer_list<std::string_view> cells) {
  std::vector<SecretBytes> copies;
  for (const std::string_view cell : cells) copies.push_back(SecretBytes::copy_of(cell));
  row(std::move(copies));
}

void Table::row(std::string_view name, SecretBytes value) {
  std::vector<SecretBytes> cells;
  cells.push_back(SecretBytes::copy_of(name));
  cells.push_back(std::move(value));
  row(std::move(cells));
}

void Table::print(Output& out, std::size_t width_max) const {
  std::vector<std::size_t> widths;
  for (const std::string& heading : headings_) widths.push_back(display_width(heading));
  for (const auto& cells : rows_) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], display_width(shown(cells[i])));
  }
  if (width_max > 0 && widths.size() > 2) {
    std::size_t total = kGap.size() * (widths.size() - 1);
    for (const std::size_t width : widths) total += width;
    while (total > width_max) {
      const auto widest = std::max_element(widths.begin(), widths.end());
      if (*widest <= kCellWidthMin) break;
      --*widest;
      --total;
    }
  }
  SecretBytes line;
  const auto end_line = [&](Style style) {
    out.line(line.reveal(), style);
    line.clear();
  };
  const std::size_t last = widths.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) append_cell(line, headings_[i], widths[i], i == last);
  end_line(Style::kBold);
  for (std::size_t i = 0; i <= last; ++i) append_cell(line, front(std::string(headings_[i].size(), '-'), widths[i]), widths[i], i == last);
  end_line(Style::kPlain);
  for (const auto& cells : rows_) {
    // The last of two columns is a value: it is printed as it is, whatever its length.
    for (std::size_t i = 0; i <= last; ++i) append_cell(line, shown(cells[i]), widths[i], i == last);
    end_line(Style::kPlain);
  }
}

}  // namespace keyhold::cli
