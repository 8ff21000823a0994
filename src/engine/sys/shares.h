#pragma once

#include <span>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/call.h"

/// Key shares as text, in the forms of Vault's API.
namespace keyhold::engine::shares {

/// In either of the forms that append() gives. An error says nothing about the content.
Result<SecretBytes> decode(const SecretBytes& text);
/// Field "key" of a holder who takes part under a "nonce". errors: kInvalid: either is missing, or it is no share.
Result<SecretBytes> given(const core::Call& call);
enum class Kind { kUnseal, kRecovery };
/// The members "keys", in hexadecimal, and "keys_base64"; "recovery_keys" and "recovery_keys_base64".
void append(json::Writer& writer, std::span<const SecretBytes> shares, Kind kind = Kind::kUnseal);

}  // namespace keyhold::engine::shares
