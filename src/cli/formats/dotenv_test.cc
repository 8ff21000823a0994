#include "cli/formats/dotenv.h"

#include <array>
#include <random>

namespace keyhold::cli {
namespace {

/// "NAME=[value] …" of what a text says, or its error.
std::string shown(std::string_view text) {
  const auto file = parse_dotenv(text);
  if (!file.ok()) return "error: " + file.error().message;
  std::string all;
  for (const Field& field : file->fields) {
    const auto value = text_of(field);
    EXPECT_TRUE(value.ok());
    all.append(all.empty() ? "" : " ").append(field.name).append("=[").append(value->reveal()).append("]");
  }
  return all;
}

std::vector<std::string> warnings(std::string_view text) {
  const auto file = parse_dotenv(text);
  return file.ok() ? file->warnings : std::vector<std::string>{"error: " + file.error().message};
}

struct Line {
  std::string_view text, shown;
};

TEST(Dotenv, ReadsItsDialects) {
  constexpr std::array kLines{
      Line{"", ""},
      Line{"\n  \n# a comment\n\t# another\n", ""},
      Line{"A=1", "A=[1]"},
      Line{"A=1\nB=2\n", "A=[1] B=[2]"},
      Line{"A=1\r\nB='x\r\ny'\r\n", "A=[1] B=[x\ny]"},
      Line{"A=1\rB=2", "A=[1] B=[2]"},
      Line{"\xEF\xBB\xBF" "A=1", "A=[1]"},
      Line{"export A=1\nexport\tB=2\n  export   C=3", "A=[1] B=[2] C=[3]"},
      Line{"export=1", "export=[1]"},
      Line{"export = 1", "export=[1]"},
      Line{"A = b c  ", "A=[b c]"},
      Line{"A=\nB=  \nC=''\nD=\"\"", "A=[] B=[] C=[] D=[]"},
      Line{"A.b-c_9=1\n9a=2", "A.b-c_9=[1] 9a=[2]"},
      Line{"A: yes\nB:\nC:x=1", "error: line 3: there is no = after the name; a value of several lines needs quotes"},
      Line{"A: yes\nB: 'q'", "A=[yes] B=[q]"},
      Line{"'A'=1", "A=[1]"},
      Line{"A=b=c==", "A=[b=c==]"},
      // Comments.
      Line{"A=b # c", "A=[b]"},
      Line{"A= # c", "A=[]"},
      Line{"A=b#c", "A=[b#c]"},
      Line{"A=#c", "A=[#c]"},
      Line{"A='b # c' # d", "A=[b # c]"},
      Line{"A=\"b\"#d", "A=[b]"},
      Line{"A=b \t # c # d", "A=[b]"},
      // Single quotes.
      Line{R"(A='a\nb"c$D`')", R"(A=[a\nb"c$D`])"},
      Line{"A='a\nb\n\nc'\nB=1", "A=[a\nb\n\nc] B=[1]"},
      Line{R"(A='it\'s')", "A=[it's]"},
      Line{R"(A='C:\dir\')", R"(A=[C:\dir\])"},
      Line{"A='C:\\dir\\' # c\nB=1", "A=[C:\\dir\\] B=[1]"},
      Line{R"(A='\\')", R"(A=[\\])"},
      // Double quotes.
      Line{R"(A="a\nb\tc\r\"\\\$\`\'")", "A=[a\nb\tc\r\"\\$`']"},
      Line{"A=\"a\nb\"", "A=[a\nb]"},
      Line{"A=\"a\\\nb\"", "A=[ab]"},
      Line{R"(A="\q\x41")", R"(A=[\q\x41])"},
      Line{"A=\"-----BEGIN KEY-----\nab+/=\n-----END KEY-----\"\nB=1", "A=[-----BEGIN KEY-----\nab+/=\n-----END KEY-----] B=[1]"},
      // Backquotes.
      Line{"A=`a'b\"c\nd`", "A=[a'b\"c\nd]"},
      // Without quotes nothing is special.
      Line{R"(A=a\nb\)", R"(A=[a\nb\])"},
      Line{R"(A={"a":"b"})", R"(A=[{"a":"b"}])"},
      Line{"A=a'b", "A=[a'b]"},
      // Nothing is put in.
      Line{"A=$B\nC=${D}\nE=\"x${F:-y}$(g)\"", "A=[$B] C=[${D}] E=[x${F:-y}$(g)]"},
      // The last of several counts.
      Line{"A=1\nB=2\nA=3", "A=[3] B=[2]"},
      // Refused.
      Line{"A=1\nB='x\ny", "error: line 2: the quote of the value never closes"},
      Line{"A=\"x\\", "error: line 1: the quote of the value never closes"},
      Line{"A='x' y", "error: line 1: there is text after the closing quote"},
      Line{"A=\"x\ny\"z", "error: line 2: there is text after the closing quote"},
      Line{"A=-----BEGIN KEY-----\nab+/=\n", "error: line 2: there is no = after the name; a value of several lines needs quotes"},
      Line{"A=1\n-----BEGIN", "error: line 2: there is no name at its beginning; a value of several lines needs quotes"},
      Line{"=1", "error: line 1: there is no name at its beginning; a value of several lines needs quotes"},
      Line{"'A B'=1", "error: line 1: a name has letters, digits, \"_\", \".\" and \"-\""},
      Line{"'", "error: line 1: there is no name at its beginning; a value of several lines needs quotes"},
      Line{"A=\xff", "error: line 1: the value is not text (UTF-8)"},
      Line{std::string_view("A=a\0b", 5), "error: line 1: the value holds a NUL byte"},
      Line{std::string_view("\xFF\xFE" "A\0=\0", 6), "error: the file is UTF-16: save it as UTF-8"},
  };
  for (const Line& line : kLines) EXPECT_EQ(shown(line.text), line.shown) << line.text;
}

TEST(Dotenv, WarnsOfWhatItReadsOtherThanOthers) {
  EXPECT_EQ(warnings("A=1 # plain\nB='$X'\nC=\"\\$X\"\nD=5$\nE=$5"), std::vector<std::string>());
  EXPECT_EQ(warnings("A=$B"), std::vector<std::string>{"line 1: A refers to a variable or a command by $: that is kept as it stands, nothing is put in"});
  EXPECT_EQ(warnings("\nA=\"\n${B}\"").size(), 1u);
  EXPECT_EQ(warnings("\nA=b#c"), std::vector<std::string>{"line 2: A holds a #, which is kept; some programs would take it for a comment"});
  EXPECT_EQ(warnings("A=1\nA=2"), std::vector<std::string>{"line 2: A is given again: the last one counts"});
  EXPECT_EQ(warnings("export A"), std::vector<std::string>{"line 1: a name without a value is left out"});
  EXPECT_EQ(warnings("A=\"\\q\"").size(), 1u);
}

TEST(Dotenv, NeverTellsOfValues) {
  for (const std::string_view text : {"A='hunter2", "A='x' hunter2", "hunter2", "hunter2 hunter2", "A=$hunter2#x", "A=\"\\q${hunter2}\"", "A=1\nA=hunter2"}) {
    EXPECT_EQ(shown(text).find("error") == 0 ? shown(text).find("hunter2") : std::string::npos, std::string::npos) << text;
    for (const std::string& warning : warnings(text)) EXPECT_EQ(warning.find("hunter2"), std::string::npos) << text;
  }
}

TEST(Dotenv, BoundsTheNumberOfFields) {
  std::string text;
  for (std::size_t i = 0; i < kFieldsMax; ++i) text.append("A" + std::to_string(i) + "=\n");
  EXPECT_TRUE(parse_dotenv(text).ok());
  EXPECT_EQ(parse_dotenv(text + "B=").code(), Code::kTooLarge);
}

TEST(Dotenv, ReadsBackWhatItWrites) {
  constexpr std::array<std::string_view, 24> kPieces{"a", "B", "0", " ", "\t", "\n", "\r", "\r\n", "'", "\"", "`", "\\", "$", "{", "}", "#",
                                                     "=", ":", "é", "漢", "\x01", "\x7f", "export ", "\\n"};
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (std::size_t pieces = random() % 8; pieces > 0; --pieces) value.append(kPieces[random() % kPieces.size()]);
    SecretBytes text;
    ASSERT_TRUE(append_dotenv(text, "A.b-c_9", value).ok());
    ASSERT_TRUE(append_dotenv(text, "B", "last").ok());
    EXPECT_EQ(shown(text.reveal()), "A.b-c_9=[" + value + "] B=[last]") << text.reveal();
    EXPECT_TRUE(warnings(text.reveal()).empty()) << text.reveal();
  }
}

TEST(Dotenv, RefusesToWriteWhatItCannotRead) {
  SecretBytes text;
  EXPECT_EQ(append_dotenv(text, "", "x").code(), Code::kInvalid);
  EXPECT_EQ(append_dotenv(text, "a b", "x").code(), Code::kInvalid);
  EXPECT_EQ(append_dotenv(text, "-a", "x").code(), Code::kInvalid);
  EXPECT_EQ(append_dotenv(text, "a", std::string_view("\0", 1)).code(), Code::kInvalid);
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace keyhold::cli
