#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

namespace keyhold::core {

/// What a policy can grant on a path, one bit each. kDeny takes away everything else.
enum class Capability : std::uint16_t {
  kCreate = 1 << 0,
  kRead = 1 << 1,
  kUpdate = 1 << 2,
  kPatch = 1 << 3,
  kDelete = 1 << 4,
  kList = 1 << 5,
  kSudo = 1 << 6,
  kDeny = 1 << 7,
  kSubscribe = 1 << 8,
  kRecover = 1 << 9,
  kScan = 1 << 10,  // Apart from kList: it also shows the names of folders that a rule may keep from whoever lists.
};

struct CapabilityName {
  Capability capability;
  std::string_view name;
};
inline constexpr std::array kCapabilityNames{
    CapabilityName{Capability::kCreate, "create"}, CapabilityName{Capability::kRead, "read"},
    CapabilityName{Capability::kUpdate, "update"}, CapabilityName{Capability::kPatch, "patch"},
    CapabilityName{Capability::kDelete, "delete"}, CapabilityName{Capability::kList, "list"},
    CapabilityName{Capability::kSudo, "sudo"},     CapabilityName{Capability::kDeny, "deny"},
    CapabilityName{Capability::kSubscribe, "subscribe"}, CapabilityName{Capability::kRecover, "recover"},
    CapabilityName{Capability::kScan, "scan"},
};

/// nullopt for a name that is none; names are case-sensitive, as in Vault.
constexpr std::optional<Capability> capability_of(std::string_view name) {
  for (const CapabilityName& known : kCapabilityNames) {
    if (known.name == name) return known.capability;
  }
  return std::nullopt;
}

constexpr std::string_view to_string(Capability capability) {
  for (const CapabilityName& known : kCapabilityNames) {
    if (known.capability == capability) return known.name;
  }
  return {};
}

/// A set of capabilities in which deny stands alone: adding it drops the others, and nothing is added to it.
class CapabilitySet {
 public:
  constexpr CapabilitySet() = default;
  constexpr CapabilitySet(std::initializer_list<Capability> capabilities) {
    for (const Capability capability : capabilities) add(capability);
  }
  /// Everything but deny.
  static constexpr CapabilitySet all() {
    CapabilitySet set;
    for (const CapabilityName& known : kCapabilityNames) {
      if (known.capability != Capability::kDeny) set.add(known.capability);
    }
    return set;
  }

  constexpr bool contains(Capability capability) const { return (bits_ & bit(capability)) != 0; }
  constexpr bool denies() const { return contains(Capability::kDeny); }
  constexpr bool empty() const { return bits_ == 0; }

  constexpr void add(Capability capability) { merge(bit(capability)); }
  constexpr void add(CapabilitySet other) { merge(other.bits_); }

  /// In the order of kCapabilityNames.
  std::vector<std::string_view> names() const {
    std::vector<std::string_view> names;
    for (const CapabilityName& known : kCapabilityNames) {
      if (contains(known.capability)) names.push_back(known.name);
    }
    return names;
  }

  friend constexpr bool operator==(CapabilitySet, CapabilitySet) = default;

 private:
  static constexpr std::uint16_t bit(Capability capability) { return static_cast<std::uint16_t>(capability); }
  constexpr void merge(std::uint16_t bits) {
    bits_ |= bits;
    if (denies()) bits_ = bit(Capability::kDeny);
  }

  std::uint16_t bits_ = 0;
};

}  // namespace keyhold::core
