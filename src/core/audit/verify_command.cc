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

constexpr std::string_view kUsage =
    "usage: keyhold audit verify FILE|DIRECTORY [--public-key HEX] [--archived]\n"
    "Checks sequence, hash chain, Merkle roots and signatures of an audit journal, offline.\n"
    "--public-key pins the signer. Keep a copy of it away from the server: without it, whoever can write\n"
    "the journal can sign it anew under a key of their own.\n"
    "--archived: the oldest files are kept elsewhere. Without it, it is a problem when they are missing, unless the\n"
    "journal itself has signed that its bound (retain_bytes) made it drop them.\n"
    "exit: 0 good, 1 tampered with or damaged, 2 cannot tell\n";

struct Arguments {
  std::string path;
  std::string public_key;
  OldFiles old_files = OldFiles::kDroppedByPolicy;
};

Result<Arguments> parse(std::span<const std::string_view> arguments) {
  constexpr std::string_view kPublicKey = "--public-key";
  Arguments result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument.starts_with(kPublicKey)) {
      argument.remove_prefix(kPublicKey.size());
      if (argument.starts_with('=')) {
        argument.remove_prefix(1);
      } else if (argument.empty() && i + 1 < arguments.size()) {
        argument = arguments[++i];
      } else {
        return Error{Code::kInvalid, "--public-key needs 64 hexadecimal digits"};
      }
      auto key = hex_decode(argument);
      if (!key.ok() || key->size() != 32) return Error{Code::kInvalid, "--public-key needs 64 hexadecimal digits"};
      result.public_key = std::move(key).value();
    } else if (argument == "--archived") {
      result.old_files = OldFiles::kArchived;
    } else if (argument.empty() || argument.starts_with('-') || !result.path.empty()) {
      return Error{Code::kInvalid, "one file or directory is expected"};
    } else {
      result.path = argument;
    }
  }
  if (result.path.empty()) return Error{Code::kInvalid, "one file or directory is expected"};
  return result;
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

int verify_one(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  const bool pinned = !arguments.public_key.empty();
  const auto report = verify_file(arguments.path, arguments.public_key);
  if (!report.ok() && report.code() != Code::kCorrupt) return fail(err, report.error());
  out << arguments.path << "\n";
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

int verify_all(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  const auto report = verify_directory(arguments.path, arguments.public_key, arguments.old_files);
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
    print(out, stream.total, !arguments.public_key.empty());
  }
  for (const Problem& problem : report->problems) out << "PROBLEM " << problem.file << ": " << problem.message << "\n";
  return verdict(out, report->problems.empty() ? kGood : kTampered);
}

}  // namespace

int audit_verify_command(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err) {
  const auto parsed = parse(arguments);
  if (!parsed.ok()) {
    err << "error: " << parsed.error().message << "\n" << kUsage;
    return kUnusable;
  }
  struct stat status{};
  const bool directory = ::stat(parsed->path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  return directory ? verify_all(*parsed, out, err) : verify_one(*parsed, out, err);
}

}  // namespace keyhold::core::audit
