#include "engine/cubbyhole/cubbyhole_engine.h"

#include "core/cubbyhole.h"

namespace keyhold::engine {
namespace {

/// Where the caller's names begin. errors: kInvalid for a token that ends without a trace, and so could leave things behind.
Result<std::string> own_folder(const core::Call& call) {
  const std::string& liveness = call.principal().token->liveness();
  if (liveness.empty()) {
    return Error{Code::kInvalid, "cubbyhole operations are only supported by \"service\" type tokens"};
  }
  return core::cubbyhole::folder_of(liveness);
}

}  // namespace

Result<core::Reply> CubbyholeEngine::read(core::Call& call) {
  TRY_ASSIGN(const std::string folder, own_folder(call));
  return plain::read(call, folder);
}

Result<core::Reply> CubbyholeEngine::write(core::Call& call) {
  TRY_ASSIGN(const std::string folder, own_folder(call));
  TRY(call.session().tokens.note_dependents(call.tx(), call.namespace_id(), call.principal().token->liveness()));
  return plain::write(call, folder);
}

Result<bool> CubbyholeEngine::exists(core::Call& call) {
  TRY_ASSIGN(const std::string folder, own_folder(call));
  return plain::exists(call, folder);
}

Result<core::Reply> CubbyholeEngine::erase(core::Call& call) {
  TRY_ASSIGN(const std::string folder, own_folder(call));
  return plain::erase(call, folder);
}

Result<core::Reply> CubbyholeEngine::list(core::Call& call) {
  TRY_ASSIGN(std::string folder, own_folder(call));
  return list_names(call, std::move(folder), core::secrets::Depth::kFolder);
}

}  // namespace keyhold::engine
