#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kBarWidth = 30;
constexpr std::string_view kEraseLine = "\r\033[K";

bool can_show() {
  const char* const terminal = std::getenv("TERM");
  return is_terminal(STDERR_FILENO) && (terminal == nullptr || std::strcmp(terminal, "dumb") != 0);
}

/// What cannot be shown is left out: it is no part of the work.
void write_error(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace

Progress::Progress(std::string_view what) : what_(what), shows_(can_show()) {}

Progress::~Progress() {
  if (shown_) write_error(kEraseLine);
}

void Progress::show(std::size_t done, std::size_t total) {
  if (!shows_ || total == 1) return;
  shown_ = true;
  std::string line(kEraseLine);
  line.append(what_);
  if (total > 0) {
    const std::size_t filled = std::min(done * kBarWidth / total, kBarWidth);
    line.append(" [").append(filled, '#').append(kBarWidth - filled, '.').append("] ");
    line.append(std::to_string(done)).append("/").append(std::to_string(total));
  } else {
    line.append(" ").append(std::to_string(done));
  }
  write_error(line);
}

}  // namespace keyhold::cli
