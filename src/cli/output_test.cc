#include "cli/output.h"

#include <unistd.h>

namespace keyhold::cli {
namespace {

std::string visible(std::string_view text) {
  SecretBytes out;
  append_visible(out, text);
  return std::string(out.reveal());
}

/// What is written when `print` prints.
template <typename Print>
std::string written(bool is_terminal, bool colour, Print print) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  {
    Output out(ends[1], is_terminal, colour);
    print(out);
    EXPECT_TRUE(out.flush());
  }
  ::close(ends[1]);
  char text[4096];
  const ssize_t size = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  return std::string(text, static_cast<std::size_t>(size));
}

TEST(Output, ShowsWhatWouldMoveTheTerminal) {
  EXPECT_EQ(visible("plain é 漢 \n\t"), "plain é 漢 \n\t");
  EXPECT_EQ(visible("\x1b[2J\r\x07\x7f"), "\\u001b[2J\\u000d\\u0007\\u007f");
  EXPECT_EQ(visible("\xc2\x9b"), "\\u009b") << "C1 controls are as good as an escape";
  EXPECT_EQ(visible("\xe2\x80\xae"), "\\u202e") << "reversed text";
  EXPECT_EQ(visible("a\xff\xc2"), "a\\xff\\xc2");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\u0000");
}

TEST(Output, LeavesBytesAloneWhereThereIsNoTerminal) {
  EXPECT_EQ(written(false, false, [](Output& out) { out.value("\x1b[2J\xff"); }), "\x1b[2J\xff");
  EXPECT_EQ(written(true, false, [](Output& out) { out.value("\x1b"); }), "\\u001b\n");
}

TEST(Output, ColoursOnlyWhenTold) {
  EXPECT_EQ(written(true, false, [](Output& out) { out.print("x", Style::kBad); }), "x");
  EXPECT_EQ(written(true, true, [](Output& out) { out.print("x", Style::kBad); }), "\033[31mx\033[0m");
}

}  // namespace
}  // namespace keyhold::cli
