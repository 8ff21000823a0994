#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "server/config/config.h"

/// What `keyhold operator diagnose` looks at, without a server and without changing anything.
namespace keyhold::server {

struct Finding {
  enum class Verdict : std::uint8_t { kOk, kWarning, kFailure };  // kFailure: a server would not start, or not keep what it was given.
  Verdict verdict = Verdict::kOk;
  std::string check;  // "storage: free space".
  std::string told;   // What was found. Nothing secret.
  std::string next;   // What to do about it; empty when all is well.
};

/// Gathers findings.
class Findings {
 public:
  using Verdict = Finding::Verdict;
  void ok(std::string check, std::string told) { all_.push_back({Verdict::kOk, std::move(check), std::move(told), {}}); }
  void warning(std::string check, std::string told, std::string next) {
    all_.push_back({Verdict::kWarning, std::move(check), std::move(told), std::move(next)});
  }
  void failure(std::string check, std::string told, std::string next) {
    all_.push_back({Verdict::kFailure, std::move(check), std::move(told), std::move(next)});
  }
  const std::vector<Finding>& all() const { return all_; }
  Verdict worst() const;

 private:
  std::vector<Finding> all_;
};

/// The user, limits, swap, clock and kernel that a server started now would have.
void diagnose_machine(Findings& findings);
/// Files, folders and ports of a configuration that was read at `config_path`.
void diagnose_configuration(const Config& config, const std::string& config_path, Findings& findings);

}  // namespace keyhold::server
