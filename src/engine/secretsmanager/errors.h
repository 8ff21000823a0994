#pragma once

#include <string>

#include "base/result.h"

/// AWS Secrets Manager's errors, by the names that its clients know.
/// source   AWS Secrets Manager API reference; the texts are those that clients compare.
namespace keyhold::engine::secretsmanager {

inline Error invalid_parameter(std::string message) { return {Code::kInvalid, std::move(message), "InvalidParameterException"}; }
inline Error invalid_request(std::string message) { return {Code::kInvalid, std::move(message), "InvalidRequestException"}; }
inline Error resource_exists(std::string message) { return {Code::kInvalid, std::move(message), "ResourceExistsException"}; }
inline Error limit_exceeded(std::string message) { return {Code::kInvalid, std::move(message), "LimitExceededException"}; }
inline Error invalid_next_token() {
  return {Code::kInvalid, "The NextToken value is not one of this list's: begin the list anew.", "InvalidNextTokenException"};
}
inline Error not_found(std::string message) { return {Code::kNotFound, std::move(message), "ResourceNotFoundException"}; }
inline Error no_such_secret() { return not_found("Secrets Manager can't find the specified secret."); }
inline Error marked_for_deletion() {
  return invalid_request("You can't perform this operation on the secret because it was marked for deletion.");
}

}  // namespace keyhold::engine::secretsmanager
