#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/router.h"

/// What the tables of routes tell people and programs: help texts and an OpenAPI document.
namespace keyhold::core {

/// A mounted engine and its routes, in the order of its table.
struct DescribedMount {
  std::string path;  // "secret/".
  std::string type;  // "kv".
  std::vector<const BoundRoute*> routes;
};

/// Whether paths begin with where engines are mounted here, or with a parameter for it.
enum class MountPaths : std::uint8_t { kActual, kGeneric };

/// Appends an OpenAPI document of all routes of `mounts`. A folder is a path of its own with a slash at its end, whose GET says in
/// the query whether it lists or scans.
///
/// source   OpenAPI 3.0.2; Vault's extensions x-vault-sudo, x-vault-unauthenticated, x-vault-createSupported.
void append_open_api(json::Writer& writer, std::span<const DescribedMount> mounts, MountPaths paths);

/// What a mount is about: each path with its operations.
std::string help_of_mount(const DescribedMount& mount);
/// The same of one path, whose routes alone are in `mount`: at least one.
std::string help_of_path(const DescribedMount& mount);

}  // namespace keyhold::core
