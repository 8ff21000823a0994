#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/schedule.h"
#include "core/secret_write.h"
#include "core/transaction.h"
#include "crypto/random.h"

namespace keyhold::core {
struct Session;
}

/// How a secret gets a new content by itself: a run of four steps, which a rotator does and the secret's head counts.
///
///   create   the pending version, labelled AWSPENDING, gets a content
///   set      the content is made known to whatever the secret is for
///   test     it is tried there
///   finish   AWSCURRENT moves to it
///
/// These functions are the states: each changes a head and files what follows from it, in the caller's transaction. The worker
/// (core/rotation/rotation_worker.h) does the steps. Whatever is killed between a step and its record is done again: steps can be repeated.
/// A run that failed is tried again from its first step, later and later, until it is done or somebody aborts it; what is current stays so.
///
/// threads   Any, a transaction each.
namespace keyhold::core::rotation {

inline constexpr std::string_view kPendingLabel = "AWSPENDING";
inline constexpr int kHistoryMax = 20;  // Runs that ended, kept with a secret.
/// The rotator that needs no record.
inline constexpr std::string_view kRandomRotator = "random";
inline constexpr std::string_view kHttpRotator = "http";

using secrets::Head;
using Run = records::RotationRun;

/// Whether a run is under way, or failed and will be tried again.
bool in_hand(const Head& head);
bool enabled(const Head& head);

/// The word for a step or a state that people read: "create", "running".
std::string_view word(Run::Step step);
std::string_view word(Run::State state);

/// Rotators by name. nullptr: there is none. The built-in one answers to its name until a record has it.
Result<std::shared_ptr<const records::Rotator>> find_rotator(Transaction& tx, keys::NamespaceId owner, std::string_view name);

/// The rotator that an ARN of a Lambda function names: the function's name. errors: kInvalid.
Result<std::string> rotator_of_arn(std::string_view lambda_arn);

/// A rule as a client gives it; what it does not give stays as it is.
struct RuleChange {
  std::optional<std::string> rotator;
  std::optional<std::string> lambda_arn;
  std::optional<Schedule::Rules> rules;
  std::string region{};
};
/// Sets the rule and turns it on. Does not save the head: begin_next_window() or begin() follows.
/// errors   kInvalid: no rotator is named and none was before, an unknown one, or a schedule that is none.
Result<void> set_rule(Transaction& tx, Head& head, const RuleChange& change);

/// Finds the next window after `now` and files it; a secret whose rule no program takes any more has none, and is overdue. Saves the head.
void file_next_window(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now);

struct Start {
  std::string version_id;  // Of the version that is to become current.
  std::string started_by{};  // Accessor; empty = by its schedule.
};
/// Begins a run: the pending version and the worker's entry. Of a run in hand for the same version it is the same request again. Saves
/// the head.
/// errors   kInvalid, under AWS's name InvalidRequestException: a run is in hand, another version is pending, or there is no rule.
Result<void> begin(Transaction& tx, keys::MountId mount, Head& head, Start start, UnixMillis now, crypto::Rng& rng);
/// The same of a run that has the step "test" alone: does the rotator work? Its pending version is a copy of the current one, since a function
/// of AWS's shape reads what it is to try there. The copy goes with the run, however that ends.
/// errors   As begin(); kCorrupt.
Result<void> begin_test(Transaction& tx, keys::MountId mount, Head& head, Start start, const Session& session, UnixMillis now,
                        crypto::Rng& rng);

/// The step of the run in hand was done, by `version_id`. At the end AWSCURRENT must be that version's; else the run has failed.
/// Saves the head.
/// returns   Whether there is a further step. errors: kConflict: another run, or another step, is in hand by now.
Result<bool> step_done(Transaction& tx, keys::MountId mount, Head& head, std::string_view version_id, Run::Step step, UnixMillis now);
/// It was not. `reason` is for people, and never holds a value. Saves the head. errors: as step_done().
Result<void> step_failed(Transaction& tx, keys::MountId mount, Head& head, std::string_view version_id, Run::Step step,
                         std::string reason, UnixMillis now);

/// Has a failed run tried again now. Saves the head. errors: kInvalid: there is none.
Result<void> retry(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now);
/// Ends the run in hand: AWSPENDING goes, and what is current stays. Saves the head. errors: kInvalid: there is none.
Result<void> abort(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now);
/// Turns the rule off, and aborts a run in hand. Saves the head.
void cancel(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now);

/// What the time `now` brings to a secret that was filed for it: begins a run, or files the next window. For core/secret_due.h.
Result<void> do_due(Transaction& tx, keys::MountId mount, const Head& head, UnixMillis now, crypto::Rng& rng);

/// Whether a window ended in which it should have been rotated.
bool overdue(const Head& head, UnixMillis now);
bool failing(const Head& head);
bool never_rotated(const Head& head);

/// Takes down what is filed for a secret that goes. For secrets::purge().
void forget(Transaction& tx, keys::MountId mount, const Head& head);

}  // namespace keyhold::core::rotation
