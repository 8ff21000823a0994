#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace keyhold::cli {

/// A line on standard error that tells how far long work has come, on a terminal alone. It is gone when the work is done.
///
/// lifetime  The work's. Nothing else is to be printed meanwhile.
/// threads   One.
class Progress {
 public:
  explicit Progress(std::string_view what);  // "Writing".
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// `total` 0: not known yet.
  void show(std::size_t done, std::size_t total);

 private:
  std::string what_;
  bool shows_;
  bool shown_ = false;
};

}  // namespace keyhold::cli
