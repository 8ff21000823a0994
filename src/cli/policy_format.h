#pragma once

#include <string>
#include <string_view>

#include "base/hcl.h"
#include "base/result.h"

namespace keyhold::cli {

/// A text in HCL with its lines indented by depth, its tokens one space apart, the `=` of neighbouring lines below each other, and no blank
/// lines but single ones. Lines and comments stay.
///
/// errors   kInvalid: it is not HCL (`failure` says where), or it is JSON.
Result<std::string> format_hcl(std::string_view text, hcl::Failure* failure);

}  // namespace keyhold::cli
