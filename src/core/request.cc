#include "core/request.h"

namespace keyhold::core {

std::string_view to_string(Api api) {
  switch (api) {
    case Api::kVault: return "vault";
    case Api::kInternal: return "internal";
  }
  return "";
}

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::kRead: return "read";
    case Operation::kUpdate: return "update";
    case Operation::kPatch: return "patch";
    case Operation::kDelete: return "delete";
    case Operation::kList: return "list";
  }
  return "";
}

}  // namespace keyhold::core
