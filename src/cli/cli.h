#pragma once

#include <span>
#include <string_view>

#include "cli/command.h"

namespace keyhold::cli {

/// The command line: finds the command, runs it, prints what went wrong.
///
/// words    After the program's name.
/// local    Commands of other parts of the program: those with run_local.
/// returns  The exit code: 0 done, 1 what this side got wrong, 2 what the server refused or that it did not answer; of local commands their own.
int run(std::span<const std::string_view> words, std::span<const Command> local);

}  // namespace keyhold::cli
