#pragma once

#include <string_view>

#include "core/request.h"
#include "core/signature_fault.h"
#include "http/server.h"

namespace keyhold::api {

/// An answer in the form of the protocol. `action` is of a Query request.
http::Response render_aws_answer(core::Answer& answer, core::AwsProtocol protocol, std::string_view action);

/// Of what did not get as far as the Gate.
http::Response render_aws_error(const Error& error, core::AwsProtocol protocol, std::string_view request_id = {});

}  // namespace keyhold::api
