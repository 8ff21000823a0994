#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/call.h"
#include "core/secret.h"

/// Lists of secrets with AWS's filters.
///
/// In order of their names, a list reads a bounded number of secrets for a page, however many there are; a page may so have fewer
/// entries than were asked for, or none, and a token for the next. In another order it reads all, which are then not to be too many.
///
/// source   AWS Secrets Manager API reference, ListSecrets and Filter.
namespace keyhold::engine::secretsmanager {

struct Page {
  std::vector<std::shared_ptr<const core::secrets::Head>> heads;
  std::string next_token;  // Empty: this is the last page.
};

enum class Listed { kVisible, kReadable };

/// By the fields Filters, NextToken and, where the operation has them, IncludePlannedDeletion, SortBy and SortOrder. Only of secrets that
/// the caller may see, or whose values he may read.
/// errors: InvalidParameterException, InvalidNextTokenException, InvalidRequestException: too many to be sorted.
Result<Page> list_page(core::Call& call, std::size_t results_max, Listed listed);

/// Of a list's position, for whoever brings it back to the same list.
std::string page_token(const core::Call& call, std::string_view list, std::string_view position);
/// Empty: the list is to begin. errors: InvalidNextTokenException.
Result<std::string> page_position(const core::Call& call, std::string_view list);

}  // namespace keyhold::engine::secretsmanager
