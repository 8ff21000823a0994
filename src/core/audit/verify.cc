#include "core/audit/verify.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "core/audit/checkpoint.h"
#include "core/audit/dropped.h"
#include "core/audit/genesis.h"
#include "core/audit/line.h"
#include "core/audit/line_reader.h"
#include "core/audit/merkle.h"
#include "core/audit/recovery.h"

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::chrono::milliseconds kRotationInFlight{1};
constexpr int kWaitsForNext = 100;

Error corrupt(std::string message) { return {Code::kCorrupt, std::move(message)}; }

/// Follows one file from its genesis to its end.
class FileVerifier {
 public:
  explicit FileVerifier(std::string_view pinned_key) : pinned_(!pinned_key.empty()), key_(pinned_key) {}

  Result<void> run(const std::string& path) {
    TRY_ASSIGN(LineReader reader, LineReader::open(path));
    while (true) {
      const auto text = reader.next();
      if (!text.ok() && text.code() != Code::kCorrupt) return text.error();
      if (text.ok() && !text->has_value()) break;
      if (const auto taken = text.ok() ? take(**text) : Result<void>(text.error()); !taken.ok()) {
        return Error{taken.code(), "line " + std::to_string(reader.number()) + ": " + taken.error().message};
      }
    }
    if (tree_.size() == 0) return corrupt("line 1: the file is empty");
    report_.whole = closing_ != Closing::kOpen;
    if (report_.checkpoints > 0) report_.public_key = key_;
    return {};
  }

  const VerifyReport& report() const { return report_; }
  const Genesis& genesis() const { return genesis_; }
  const Digest& last_chain() const { return last_chain_; }
  Closing closing() const { return closing_; }
  /// What the file tells of dropped ones, in order; the first `dropped_signed()` of them are covered by a checkpoint here.
  const std::vector<Genesis::Previous>& dropped() const { return dropped_; }
  std::size_t dropped_signed() const { return dropped_signed_; }

 private:
  Result<void> take(std::string_view text) {
    if (closing_ != Closing::kOpen) return corrupt("follows the closing checkpoint");
    const auto line = parse_line(text);
    if (!line) return corrupt("not a well-formed journal line");
    const LineKind kind = line->kind();
    const bool first = tree_.size() == 0;
    if (first != (kind == LineKind::kGenesis)) {
      return corrupt(first ? "a file begins with its genesis" : "a second genesis");
    }
    if (first) {
      TRY(begin(*line));
    } else if (line->sequence != report_.last_sequence + 1) {
      return corrupt("the sequence number does not follow the line before: lines were removed, inserted or reordered");
    }
    if (!line->follows(last_chain_)) {
      return corrupt("the chain does not match: this line was changed, or the one before it is not the original");
    }
    if (kind == LineKind::kCheckpoint) TRY(check(line->members));
    if (kind == LineKind::kDropped) {
      auto dropped = Dropped::parse(line->members);
      if (!dropped) return corrupt("not a well-formed line about a dropped file");
      dropped_.push_back(std::move(dropped->file));
    }
    if (kind == LineKind::kRecord || kind == LineKind::kDropped) {
      ++report_.records;
      ++report_.unsigned_records;
    }
    tree_.add(line->chain);
    last_chain_ = line->chain;
    report_.last_sequence = line->sequence;
    return {};
  }

  Result<void> begin(const Line& line) {
    auto genesis = Genesis::parse(line.members);
    if (!genesis) return corrupt("not a genesis of this format version");
    const std::uint64_t previous = genesis->previous ? genesis->previous->sequence : 0;
    if (line.sequence == 0 || line.sequence - 1 != previous) {
      return corrupt("the genesis does not follow the file that it names");
    }
    if (genesis->previous) last_chain_ = genesis->previous->chain;
    genesis_ = *std::move(genesis);
    report_.first_sequence = line.sequence;
    if (!pinned_) key_ = genesis_.public_key;
    return {};
  }

  Result<void> check(std::string_view members) {
    TRY_ASSIGN(const SignedCheckpoint note, SignedCheckpoint::parse(members));
    if (key_.empty()) key_ = note.public_key;
    TRY_ASSIGN(const Checkpoint checkpoint, note.open(key_name_of(genesis_.journal), key_));
    if (checkpoint.origin != Checkpoint::origin_of(genesis_, report_.first_sequence)) {
      return corrupt("a checkpoint of another file");
    }
    if (checkpoint.size != tree_.size()) return corrupt("the checkpoint covers another number of lines");
    if (checkpoint.root != tree_.root()) return corrupt("the checkpoint's root does not match the lines before it");
    closing_ = checkpoint.closing;
    ++report_.checkpoints;
    report_.unsigned_records = 0;
    dropped_signed_ = dropped_.size();
    return {};
  }

  const bool pinned_;
  std::string key_;
  VerifyReport report_;
  Genesis genesis_;
  MerkleTree tree_;  // Over the lines taken.
  Digest last_chain_{};
  Closing closing_ = Closing::kOpen;
  std::vector<Genesis::Previous> dropped_;
  std::size_t dropped_signed_ = 0;
};

/// Puts the files of one stream together, oldest first.
class StreamVerifier {
 public:
  StreamVerifier(int stream, std::vector<Problem>& problems) : problems_(problems) { report_.stream = stream; }

  Result<void> add(const std::string& directory, const FileName& name, std::string_view public_key) {
    const std::string file = name.text();
    FileVerifier verifier(public_key);
    const auto verified = verifier.run(directory + "/" + file);
    ++report_.files;
    if (!verified.ok()) {
      if (verified.code() != Code::kCorrupt) return verified;
      problems_.push_back({file, verified.error().message});
      before_.reset();
      gap_known_ = true;
      return {};
    }
    const Genesis& genesis = verifier.genesis();
    if (genesis.stream != name.stream || verifier.report().first_sequence != name.first_sequence) {
      problems_.push_back({file, "line 1: the file belongs under another name"});
    } else {
      check_link(file, genesis);
    }
    count(verifier.report());
    remember_dropped(verifier);
    before_ = Before{.link = {.file = file,
                              .sequence = verifier.report().last_sequence,
                              .chain = verifier.last_chain()},
                     .journal = genesis.journal,
                     .closing = verifier.closing()};
    gap_known_ = false;
    return {};
  }

  StreamReport finish(const std::string& directory, std::string_view public_key, OldFiles old_files) {
    judge_beginning(old_files);
    if (before_ && before_->closing == Closing::kRotated && !goes_on(directory)) {
      problems_.push_back({before_->link.file, "the stream goes on in another file, which is missing"});
    }
    if (before_ && !public_key.empty() && report_.total.records > 0 && report_.total.checkpoints == 0) {
      problems_.push_back({before_->link.file, "nothing in this stream is signed"});
    }
    report_.total.whole = before_ && before_->closing == Closing::kClosed;
    return report_;
  }

 private:
  struct Before {
    Genesis::Previous link;
    std::string journal;
    Closing closing = Closing::kOpen;
  };

  /// A live stream may have been rotated since the directory was listed, or be about to make its next file.
  bool goes_on(const std::string& directory) const {
    const FileName next{.stream = report_.stream, .first_sequence = before_->link.sequence + 1};
    const std::string path = directory + "/" + next.text();
    for (int wait = 0; ::access(path.c_str(), F_OK) != 0; ++wait) {
      if (wait == kWaitsForNext) return false;
      std::this_thread::sleep_for(kRotationInFlight);
    }
    return true;
  }

  void check_link(const std::string& file, const Genesis& genesis) {
    if (!before_) {
      if (gap_known_ || !genesis.previous) return;
      report_.begins_late = true;
      first_file_ = file;
      missing_ = *genesis.previous;
      if (genesis.begin == Begin::kLost) {
        problems_.push_back({file, "line 1: the file before it was unlinked or replaced while in use"});
      }
      return;
    }
    const Genesis::Previous& link = before_->link;
    if (!genesis.previous || genesis.journal != before_->journal) {
      problems_.push_back({file, "line 1: does not belong to the stream of the file before it"});
    } else if (genesis.previous->file != link.file) {
      problems_.push_back({file, "line 1: the file before it is missing"});
    } else if (genesis.previous->sequence > link.sequence) {
      problems_.push_back({link.file, "line " + std::to_string(report_.total.last_sequence - before_first_ + 2) +
                                          ": missing, with all after it: the file that follows names a later last line"});
    } else if (genesis.previous->sequence != link.sequence || genesis.previous->chain != link.chain) {
      problems_.push_back({file, "line 1: does not go on from the last line of the file before it"});
    }
  }

  void judge_beginning(OldFiles old_files) {
    if (!report_.begins_late) return;
    const auto signed_end = dropped_.begin() + static_cast<std::ptrdiff_t>(dropped_signed_);
    report_.dropped_by_policy = std::find(dropped_.begin(), signed_end, missing_) != signed_end;
    if (report_.dropped_by_policy || old_files == OldFiles::kArchived) return;
    problems_.push_back({first_file_, "line 1: older files, up to line " + std::to_string(missing_.sequence) +
                                          " of the stream, are missing, and no signed line says that policy dropped them"});
  }

  void remember_dropped(const FileVerifier& file) {
    // A checkpoint covers the files before its own, too: the chain leads there.
    if (file.report().checkpoints > 0) dropped_signed_ = dropped_.size() + file.dropped_signed();
    dropped_.insert(dropped_.end(), file.dropped().begin(), file.dropped().end());
  }

  void count(const VerifyReport& file) {
    VerifyReport& total = report_.total;
    if (total.first_sequence == 0) total.first_sequence = file.first_sequence;
    total.last_sequence = file.last_sequence;
    total.records += file.records;
    total.checkpoints += file.checkpoints;
    total.unsigned_records = file.unsigned_records + (file.checkpoints == 0 ? total.unsigned_records : 0);
    if (!file.public_key.empty()) total.public_key = file.public_key;
    before_first_ = file.first_sequence;
  }

  std::vector<Problem>& problems_;
  StreamReport report_;
  std::optional<Before> before_;     // The last file, if it could be verified.
  std::uint64_t before_first_ = 0;   // Its first sequence number.
  bool gap_known_ = false;           // The last file could not.
  std::string first_file_;           // When the stream begins late.
  Genesis::Previous missing_;        // What it names as its file before.
  std::vector<Genesis::Previous> dropped_;  // In the order told.
  std::size_t dropped_signed_ = 0;          // So many of them are covered by a checkpoint.
};

Result<void> check_key(std::string_view public_key) {
  if (public_key.empty() || public_key.size() == kPublicKeyBytes) return {};
  return Error{Code::kInvalid, "a public key has 32 bytes"};
}

}  // namespace

Result<VerifyReport> verify_file(const std::string& path, std::string_view public_key) {
  TRY(check_key(public_key));
  FileVerifier verifier(public_key);
  TRY(verifier.run(path));
  return verifier.report();
}

Result<DirectoryReport> verify_directory(const std::string& path, std::string_view public_key, OldFiles old_files) {
  TRY(check_key(public_key));
  TRY_ASSIGN(const JournalListing listing, list_journal_files(path));
  DirectoryReport report;
  for (const std::string& name : listing.damaged) {
    report.problems.push_back({name, "set aside at a start: not one line of it could be read"});
  }
  for (auto file = listing.files.begin(); file != listing.files.end();) {
    StreamVerifier stream(file->stream, report.problems);
    const int index = file->stream;
    for (; file != listing.files.end() && file->stream == index; ++file) TRY(stream.add(path, *file, public_key));
    report.streams.push_back(stream.finish(path, public_key, old_files));
  }
  return report;
}

}  // namespace keyhold::core::audit
