#include "core/audit/verify.h"

#include <algorithm>
#include <sstream>
#include <thread>

#include "base/encoding.h"
#include "core/audit/checkpoint.h"
#include "core/audit/journal_test_util.h"
#include "core/audit/line.h"
#include "core/audit/merkle.h"
#include "core/audit/verify_command.h"

namespace keyhold::core::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A small journal, closed in good order, and a place for a changed copy of its first file.
class VerifyTest : public ::testing::Test {
 protected:
  void write_journal(std::uint64_t rotate_bytes = 1 << 20, int records = 6, char key = 'k') {
    write_journal_in(directory_.path(), rotate_bytes, records, key);
    files_ = journal_files(directory_.path());
    lines_ = split_lines(read_file(directory_ / files_[0]));
  }

  static void write_journal_in(const std::string& directory, std::uint64_t rotate_bytes, int records, char key) {
    FakeClock clock;
    auto journal = open_or_die({.directory = directory, .rotate_bytes = rotate_bytes}, clock);
    for (int i = 0; i < records; ++i) {
      if (i == 2) journal->set_signer(make_signer(key));
      if (i == 4) journal->set_signer(make_signer(key));  // Signs what there is.
      ASSERT_TRUE(write_records(journal->stream(0), i, 1).ok());
    }
  }

  /// The error for a file with this content; empty if it is good.
  std::string error_of(const std::string& content) const {
    copy_.set(content);
    const auto report = verify_file(copy_.path(), public_key_);
    return report.ok() ? "" : report.error().message;
  }

  static std::string at_line(std::size_t line) { return "line " + std::to_string(line) + ": "; }

  /// What someone without the key can do: the chain anew over changed lines.
  static std::vector<std::string> rechained(const std::vector<std::string>& lines) {
    std::vector<std::string> result;
    Digest chain{};
    for (const std::string& text : lines) {
      const auto line = parse_line(std::string_view(text).substr(0, text.size() - 1));
      result.emplace_back();
      const std::uint64_t sequence = result.size();
      chain = append_line(result.back(), sequence, text.substr(text.find("time") + 7, TimeText::kBytes), line->members,
                          chain);
    }
    return result;
  }

  TemporaryDirectory directory_;
  TemporaryDirectory other_;
  const MemoryFile copy_;
  const std::string public_key_ = make_signer()->public_key();
  std::vector<std::string> files_;
  std::vector<std::string> lines_;  // Of the first file, with newlines.
};

TEST_F(VerifyTest, GoodFile) {
  write_journal();
  ASSERT_THAT(lines_, SizeIs(1 + 6 + 2));
  const auto report = verify_file(directory_ / files_[0], make_signer()->public_key());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->records, 6u);
  EXPECT_EQ(report->checkpoints, 2u);
  EXPECT_EQ(report->unsigned_records, 0u);
  EXPECT_EQ(report->first_sequence, 1u);
  EXPECT_EQ(report->last_sequence, 9u);
  EXPECT_TRUE(report->whole);
  EXPECT_EQ(report->public_key, make_signer()->public_key());
}

TEST_F(VerifyTest, EveryFlippedBitIsFoundInItsLine) {
  write_journal();
  std::string text = join(lines_);
  std::size_t offset = 0;
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    for (std::size_t i = 0; i < lines_[line].size(); ++i, ++offset) {
      for (int bit = 0; bit < 8; ++bit) {
        text[offset] = static_cast<char>(text[offset] ^ 1 << bit);
        const std::string error = error_of(text);
        ASSERT_THAT(error, StartsWith(at_line(line + 1))) << "byte " << i << " of the line, bit " << bit;
        text[offset] = static_cast<char>(text[offset] ^ 1 << bit);
      }
    }
  }
}

TEST_F(VerifyTest, EveryTruncationShows) {
  write_journal();
  const std::string text = join(lines_);
  for (std::size_t size = 0; size < text.size(); ++size) {
    copy_.set(text.substr(0, size));
    const auto report = verify_file(copy_.path(), public_key_);
    const bool at_line_end = size > 0 && text[size - 1] == '\n';
    ASSERT_EQ(report.ok(), at_line_end) << size;
    ASSERT_FALSE(report.ok() && report->whole) << size;
  }
}

TEST_F(VerifyTest, DeletedLine) {
  write_journal();
  for (std::size_t i = 0; i + 1 < lines_.size(); ++i) {
    auto lines = lines_;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_THAT(error_of(join(lines)), StartsWith(at_line(i + 1)));
  }
}

TEST_F(VerifyTest, InsertedLine) {
  write_journal();
  for (std::size_t from = 0; from < lines_.size(); ++from) {
    for (std::size_t to = 0; to <= lines_.size(); ++to) {
      auto lines = lines_;
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(to), lines_[from]);
      // Next to its original the second of the two is the one too many.
      const std::size_t found = to == from ? to + 1 : to;
      EXPECT_THAT(error_of(join(lines)), StartsWith(at_line(found + 1))) << from << " to " << to;
    }
  }
}

TEST_F(VerifyTest, ReorderedLines) {
  write_journal();
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    for (std::size_t k = i + 1; k < lines_.size(); ++k) {
      auto lines = lines_;
      std::swap(lines[i], lines[k]);
      EXPECT_THAT(error_of(join(lines)), StartsWith(at_line(i + 1)));
    }
  }
}

TEST_F(VerifyTest, RechainedEditIsFoundByTheNextCheckpoint) {
  write_journal();
  ASSERT_EQ(error_of(join(rechained(lines_))), "");
  for (std::size_t i = 1; i < lines_.size(); ++i) {
    if (lines_[i].find("checkpoint") != std::string::npos) continue;
    auto lines = lines_;
    lines[i].replace(lines[i].find("request"), 7, "respond");
    const auto next = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(i), lines.end(),
                                   [](const std::string& line) { return line.find("checkpoint") != std::string::npos; });
    EXPECT_THAT(error_of(join(rechained(lines))), StartsWith(at_line(static_cast<std::size_t>(next - lines.begin()) + 1)));
  }
}

TEST_F(VerifyTest, OpenCheckpointCannotPassForAClosingOne) {
  write_journal();
  auto lines = lines_;
  while (lines.back().find("end closed") != std::string::npos || lines.back().find("checkpoint") == std::string::npos) {
    lines.pop_back();
  }
  const std::size_t blank = lines.back().find("\\n\\n");
  ASSERT_NE(blank, std::string::npos);
  lines.back().insert(blank + 2, "end closed\\n");
  EXPECT_THAT(error_of(join(rechained(lines))), HasSubstr("signature is wrong"));
}

TEST_F(VerifyTest, LinesAfterTheClosingCheckpoint) {
  write_journal();
  auto lines = lines_;
  lines.push_back(lines_[2]);
  EXPECT_THAT(error_of(join(rechained(lines))), StartsWith(at_line(lines.size()) + "follows the closing checkpoint"));
}

TEST_F(VerifyTest, AnotherKey) {
  write_journal(1 << 20, 6, 'x');
  EXPECT_THAT(error_of(join(lines_)), HasSubstr("signed by another key"));
  EXPECT_TRUE(verify_file(directory_ / files_[0], {}).ok());
  EXPECT_EQ(verify_file(directory_ / files_[0], "short").code(), Code::kInvalid);
}

TEST_F(VerifyTest, CheckpointOfAnotherFileWithTheSameKey) {
  write_journal();
  TemporaryDirectory second;
  write_journal_in(second.path(), 1 << 20, 6, 'k');
  const auto others = split_lines(read_file(second / files_[0]));
  // Both journals have the same lines but for their ids and what follows from them.
  auto lines = lines_;
  const auto is_checkpoint = [](const std::string& line) { return line.find("\"checkpoint\"") != std::string::npos; };
  const auto target = std::find_if(lines.begin(), lines.end(), is_checkpoint);
  *target = *std::find_if(others.begin(), others.end(), is_checkpoint);
  EXPECT_THAT(error_of(join(rechained(lines))), StartsWith(at_line(static_cast<std::size_t>(target - lines.begin()) + 1)));
}

TEST_F(VerifyTest, NotAJournal) {
  EXPECT_EQ(verify_file(directory_ / "absent", {}).code(), Code::kNotFound);
  EXPECT_EQ(verify_file(directory_.path(), {}).code(), Code::kUnavailable);
  EXPECT_EQ(verify_file("/dev/zero", {}).code(), Code::kUnavailable);
  for (const std::string content : {"", "\n", "x", "{}\n", "{\"seq\":1", "{\"seq\":1\n"}) {
    EXPECT_THAT(error_of(content), StartsWith(at_line(1))) << content;
  }
  EXPECT_THAT(error_of(std::string(3 * kLineBytesMax, 'x')), HasSubstr("longer than any line"));
}

TEST_F(VerifyTest, LinesLongerThanAChunk) {
  FakeClock clock;
  auto journal = open_or_die({.directory = directory_.path()}, clock);
  for (int i = 0; i < 10; ++i) {
    journal->stream(0).append("\"a\":\"" + std::string(100'000 * static_cast<std::size_t>(i), 'x') + "\"");
  }
  ASSERT_TRUE(journal->stream(0).write().ok());
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 10u);
}

// ---- Directories

TEST_F(VerifyTest, SwappedFiles) {
  write_journal(1200, 30);
  ASSERT_GE(files_.size(), 4u);
  std::filesystem::rename(directory_ / files_[1], directory_ / "kept");
  std::filesystem::rename(directory_ / files_[2], directory_ / files_[1]);
  std::filesystem::rename(directory_ / "kept", directory_ / files_[2]);
  const std::string problems = problems_of(directory_.path());
  EXPECT_THAT(problems, HasSubstr(files_[1] + ": line 1: the file belongs under another name"));
  EXPECT_THAT(problems, HasSubstr(files_[2] + ": line 1: the file belongs under another name"));
}

TEST_F(VerifyTest, MissingFiles) {
  write_journal(1200, 30);
  ASSERT_GE(files_.size(), 4u);
  const auto without = [&](std::size_t index) {
    std::filesystem::rename(directory_ / files_[index], other_ / files_[index]);
    const std::string problems = problems_of(directory_.path(), make_signer()->public_key());
    std::filesystem::rename(other_ / files_[index], directory_ / files_[index]);
    return problems;
  };
  EXPECT_THAT(without(0), HasSubstr(files_[1] + ": line 1: older files, up to line"));
  EXPECT_THAT(without(1), HasSubstr(files_[2] + ": line 1: the file before it is missing"));
  EXPECT_THAT(without(files_.size() - 1), HasSubstr(files_[files_.size() - 2] + ": the stream goes on in another file"));
  EXPECT_EQ(problems_of(directory_.path(), make_signer()->public_key()), "");
}

TEST_F(VerifyTest, OldestFilesGoneIsReported) {
  write_journal(1200, 30);
  std::filesystem::remove(directory_ / files_[0]);
  EXPECT_FALSE(verify_directory(directory_.path(), {})->problems.empty());
  const auto report = verify_directory(directory_.path(), {}, OldFiles::kArchived);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->problems.empty());
  EXPECT_TRUE(report->streams[0].begins_late);
  EXPECT_FALSE(report->streams[0].dropped_by_policy);
  EXPECT_GT(report->streams[0].total.first_sequence, 1u);
  EXPECT_TRUE(report->streams[0].total.whole);
}

TEST_F(VerifyTest, CutTailOfAnEarlierFile) {
  write_journal(1200, 30);
  auto lines = lines_;
  lines.pop_back();
  write_file(directory_ / files_[0], join(lines));
  EXPECT_THAT(problems_of(directory_.path()),
              HasSubstr(files_[0] + ": line " + std::to_string(lines_.size()) + ": missing, with all after it"));
}

TEST_F(VerifyTest, FileRewrittenWithoutTheKey) {
  write_journal(1200, 30);
  auto lines = lines_;
  std::erase_if(lines, [](const std::string& line) { return line.find("\"checkpoint\"") != std::string::npos; });
  write_file(directory_ / files_[0], join(rechained(lines)));
  EXPECT_NE(problems_of(directory_.path()), "");
}

TEST_F(VerifyTest, LaterCheckpointCoversAnUnsignedFile) {
  FakeClock clock;
  for (int run = 0; run < 3; ++run) {
    auto journal = open_or_die({.directory = directory_.path()}, clock);
    ASSERT_TRUE(write_records(journal->stream(0), run, 5).ok());
    if (run == 1) journal->set_signer(make_signer());
  }
  const auto report = verify_directory(directory_.path(), make_signer()->public_key());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->problems.empty());
  EXPECT_EQ(report->streams[0].total.records, 15u);
  EXPECT_EQ(report->streams[0].total.unsigned_records, 5u) << "only the last run's";
}

TEST_F(VerifyTest, GivenKeyMustHaveSignedSomething) {
  FakeClock clock;
  auto journal = open_or_die({.directory = directory_.path()}, clock);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 5).ok());
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_THAT(problems_of(directory_.path(), make_signer()->public_key()), HasSubstr("nothing in this stream is signed"));
}

// ---- Command

TEST_F(VerifyTest, CommandTellsGoodFromTampered) {
  write_journal(1200, 30);
  const auto run = [](std::vector<std::string_view> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = audit_verify_command(*Arguments::parse(kVerifyFlags, arguments), out, err);
    return std::pair(code, out.str() + err.str());
  };
  const std::string file = directory_ / files_[0];
  const std::string key = hex_encode(make_signer()->public_key());
  const std::string other_key = hex_encode(make_signer('o')->public_key());
  EXPECT_EQ(run({file}).first, 0);
  EXPECT_EQ(run({directory_.path(), "--public-key", key}).first, 0);
  EXPECT_EQ(run({"--public-key=" + key, directory_.path()}).first, 0);
  EXPECT_EQ(run({directory_.path(), "--public-key", other_key}).first, 1);
  EXPECT_EQ(run({file, "--public-key", "abc"}).first, 2);
  EXPECT_EQ(run({directory_ / "absent"}).first, 2);
  EXPECT_EQ(run({other_.path()}).first, 2);
  EXPECT_THAT(run({directory_.path()}).second, HasSubstr("closed in good order"));

  auto lines = lines_;
  lines[1].replace(lines[1].find("request"), 7, "respond");
  write_file(file, join(lines));
  EXPECT_EQ(run({file}).first, 1);
  EXPECT_THAT(run({file}).second, HasSubstr("PROBLEM line 2:"));
  EXPECT_EQ(run({directory_.path()}).first, 1);
  EXPECT_THAT(run({directory_.path()}).second, HasSubstr("PROBLEM " + files_[0] + ": line 2:"));
}

TEST_F(VerifyTest, AStreamThatRotatesMeanwhileIsGood) {
  SystemClock clock;
  auto journal = open_or_die({.directory = directory_.path(), .rotate_bytes = 2000}, clock);
  journal->set_signer(make_signer());
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 3000 && !done; ++i) EXPECT_TRUE(write_records(journal->stream(0), i, 1).ok());
    done = true;
  });
  std::string problems;
  while (!done && problems.empty()) problems = problems_of(directory_.path());
  done = true;
  writer.join();
  EXPECT_EQ(problems, "");
}

}  // namespace
}  // namespace keyhold::core::audit
