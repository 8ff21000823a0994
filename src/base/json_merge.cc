#include "base/json_merge.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace keyhold::json {
namespace {

/// The value of a member that the target does not have as an object: without members that are null, to any depth. Arrays
/// replace as they are.
void append_bare(SecretBytes& out, const Value& patch) {
  if (!patch.is_object()) {
    out.append(patch.raw());
    return;
  }
  out.push_back('{');
  bool first = true;
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const Value value = patch.at(i);
    if (value.is_null()) continue;
    if (!first) out.push_back(',');
    first = false;
    out.append(patch.key_raw(i));
    out.push_back(':');
    append_bare(out, value);
  }
  out.push_back('}');
}

/// The members of an object as pieces of its text: gap, member, gap, member, …, last gap. A gap holds white space and at most
/// one comma.
class Pieces {
 public:
  explicit Pieces(const Value& object) : object_(object), inside_(object.raw()) {
    inside_.remove_prefix(1);
    inside_.remove_suffix(1);
  }

  std::string_view gap_before(std::size_t index) const {
    return between(index == 0 ? inside_.data() : end_of(index - 1), object_.key_raw(index).data());
  }
  std::string_view last_gap() const {
    const std::size_t members = object_.size();
    return between(members == 0 ? inside_.data() : end_of(members - 1), inside_.data() + inside_.size());
  }
  /// The key, and all up to its value.
  std::string_view head(std::size_t index) const {
    return between(object_.key_raw(index).data(), object_.at(index).raw().data());
  }

 private:
  static std::string_view between(const char* from, const char* to) { return {from, static_cast<std::size_t>(to - from)}; }
  const char* end_of(std::size_t index) const {
    const std::string_view value = object_.at(index).raw();
    return value.data() + value.size();
  }

  Value object_;
  std::string_view inside_;
};

std::string_view after_comma(std::string_view gap) {
  const std::size_t comma = gap.find(',');
  return comma == std::string_view::npos ? gap : gap.substr(comma + 1);
}

}  // namespace

void append_merged(SecretBytes& out, const Value& target, const Value& patch) {
  std::map<std::string, std::size_t, std::less<>> changes;  // By name: what is left over is new.
  for (std::size_t i = 0; i < patch.size(); ++i) changes.emplace(patch.key_at(i), i);

  const Pieces pieces(target);
  bool first = true;
  bool previous_kept = true;
  out.push_back('{');
  for (std::size_t i = 0; i < target.size(); ++i) {
    const Value old = target.at(i);
    const auto change = changes.find(target.key_at(i));
    std::optional<Value> now;
    if (change != changes.end()) {
      now = patch.at(change->second);
      changes.erase(change);
    }
    if (now && now->is_null()) {
      previous_kept = false;
      continue;
    }
    const std::string_view gap = pieces.gap_before(i);
    if (!first && !previous_kept) out.push_back(',');
    out.append(!first && previous_kept ? gap : after_comma(gap));
    out.append(pieces.head(i));
    if (!now) {
      out.append(old.raw());
    } else if (now->is_object() && old.is_object()) {
      append_merged(out, old, *now);
    } else {
      append_bare(out, *now);
    }
    first = false;
    previous_kept = true;
  }
  for (std::size_t i = 0; i < patch.size(); ++i) {
    if (patch.at(i).is_null() || !changes.contains(patch.key_at(i))) continue;
    if (!first) out.push_back(',');
    first = false;
    out.append(patch.key_raw(i));
    out.push_back(':');
    append_bare(out, patch.at(i));
  }
  out.append(pieces.last_gap());
  out.push_back('}');
}

}  // namespace keyhold::json
