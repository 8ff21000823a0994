#include "core/audit/verify_command.h"

#include <sys/stat.h>

#include <ostream>
#include <string>

#include "base/encoding.h"
#include "core/audit/verify.h"

namespace keyhold::core::audit {
namespace {

constexpr int kGood = 0;
constexpr int kTampered = 1;
constexpr int kUnusable = 2;
constexpr std::size_t kPublicKeyBytes = 32;

struct Asked {
  std::string path;
  std::string public_key;  // 32 bytes, or empty.
  OldFiles old_files = OldFiles::kDroppedByPolicy;
};

Result<Asked> asked_by(const Arguments& arguments) {
  Asked asked;
  asked.path = arguments.positional(0);
  if (arguments.on("archived")) asked.old_files = OldFiles::kArchived;
  TRY_ASSIGN(asked.public_key, public_key_of(arguments));
  return asked;
}

void print(std::ostream& out, const VerifyReport& report, bool pinned) {
  out << "  " << report.records << " records, " << report.checkpoints << " checkpoints, lines " << report.first_sequence
      << " to " << report.last_sequence << "\n";
  if (report.checkpoints > 0) {
    out << "  signed by " << hex_encode(report.public_key)
        << (pinned ? " (as given)" : " (as the journal names it: compare it with a copy from elsewhere)") << "\n";
  }
  if (report.unsigned_records > 0) {
    out << "  the last " << report.unsigned_records << " records are chained but not yet signed\n";
  }
  out << (report.whole ? "  closed in good order: no tail is cut off\n"
                       : "  not closed: the server is running or has crashed, or a tail is cut off\n");
}

int verdict(std::ostream& out, int code) {
  out << (code == kGood ? "good\n" : "NOT GOOD\n");
  return code;
}

int fail(std::ostream& err, const Error& error) {
  err << "error: " << error.message << "\n";
  return kUnusable;
}

int verify_one(const Asked& asked, std::ostream& out, std::ostream& err) {
  const bool pinned = !asked.public_key.empty();
  const auto report = verify_file(asked.path, asked.public_key);
  if (!report.ok() && report.code() != Code::kCorrupt) return fail(err, report.error());
  out << asked.path << "\n";
  if (!report.ok()) {
    out << "  PROBLEM " << report.error().message << "\n";
    return verdict(out, kTampered);
  }
  print(out, *report, pinned);
  if (pinned && report->records > 0 && report->checkpoints == 0) {
    out << "  PROBLEM nothing in this file is signed\n";
    return verdict(out, kTampered);
  }
  return verdict(out, kGood);
}

int verify_all(const Asked& asked, std::ostream& out, std::ostream& err) {
  const auto report = verify_directory(asked.path, asked.public_key, asked.old_files);
  if (!report.ok()) return fail(err, report.error());
  if (report->streams.empty() && report->problems.empty()) {
    return fail(err, {Code::kNotFound, "there is no journal file in this directory"});
  }
  for (const StreamReport& stream : report->streams) {
    out << "stream " << stream.stream << ": " << stream.files << (stream.files == 1 ? " file\n" : " files\n");
    if (stream.dropped_by_policy) {
      out << "  older files were dropped by policy (retain_bytes): a signed line says so\n";
    } else if (stream.begins_late) {
      out << "  older files are not here: archived, or taken away\n";
    }
    print(out, stream.total, !asked.public_key.empty());
  }
  for (const Problem& problem : report->problems) out << "PROBLEM " << problem.file << ": " << problem.message << "\n";
  return verdict(out, report->problems.empty() ? kGood : kTampered);
}

}  // namespace

Result<std::string> public_key_of(const Arguments& arguments) {
  if (!arguments.has("public-key")) return std::string();
  auto key = hex_decode(arguments.value("public-key"));
  if (!key.ok() || key->size() != kPublicKeyBytes) return Error{Code::kInvalid, "-public-key needs 64 hexadecimal digits"};
  return key;
}

int audit_verify_command(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  const auto asked = asked_by(arguments);
  if (!asked.ok()) return fail(err, asked.error());
  struct stat status{};
  const bool directory = ::stat(asked->path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  return directory ? verify_all(*asked, out, err) : verify_one(*asked, out, err);
}

}  // namespace keyhold::core::audit
