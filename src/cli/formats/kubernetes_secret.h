#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/formats/secret_fields.h"

namespace keyhold::cli {

/// A Secret of Kubernetes.
struct KubernetesSecret {
  std::string namespace_name{};  // "" when the manifest does not say.
  std::string name{};
  Fields fields{};  // `stringData` over `data`, as Kubernetes reads them; texts.
};

/// What manifests say.
struct Manifests {
  std::vector<KubernetesSecret> secrets{};
  std::vector<std::string> warnings{};  // For people: kinds and names, never values.
};

/// Whether it looks like an object of Kubernetes: it has an apiVersion and a kind.
bool is_kubernetes_object(const json::Value& document);

/// Adds the Secrets of one document, which may be a List. Objects of other kinds are left out with a warning. `data` that is not text stays
/// in base64, with a warning.
///
/// errors   kInvalid: a Secret without a name, or with data that is not base64. kTooLarge.
Result<void> add_manifest(Manifests& manifests, const json::Value& document);

/// A manifest as JSON, with its `data` in base64.
///
/// errors   kInvalid: a name that Kubernetes does not take, of the secret or of a field.
Result<SecretBytes> kubernetes_manifest(std::string_view name, const Fields& fields);

/// The nearest name that Kubernetes takes: lower case, "-" for other characters. "" when there is none.
std::string kubernetes_name(std::string_view text);

}  // namespace keyhold::cli
