#include "api/aws/aws_response.h"

#include <gtest/gtest.h>

namespace keyhold::api {
namespace {

using core::AwsProtocol;

std::string body(const http::Response& response) { return std::string(response.body.reveal()); }

TEST(AwsResponse, AnErrorHasItsNameInBodyAndHeader) {
  const auto named = render_aws_error({Code::kInvalid, "It is there.", "ResourceExistsException"}, AwsProtocol::kJson, "id");
  EXPECT_EQ(named.status, 400);
  EXPECT_EQ(named.content_type, "application/x-amz-json-1.1");
  EXPECT_EQ(body(named), R"({"__type":"ResourceExistsException","Message":"It is there."})");
  EXPECT_NE(named.headers.find("x-amzn-ErrorType: ResourceExistsException\r\n"), std::string::npos);
  EXPECT_NE(named.headers.find("x-amzn-RequestId: id\r\n"), std::string::npos);
  const auto denied = render_aws_error({Code::kDenied, "permission denied"}, AwsProtocol::kJson);
  EXPECT_EQ(body(denied), R"({"__type":"AccessDeniedException","Message":"permission denied"})");
  EXPECT_EQ(render_aws_error({Code::kUnavailable, ""}, AwsProtocol::kJson).status, 503);
  EXPECT_EQ(render_aws_error({Code::kUnknown, ""}, AwsProtocol::kJson).status, 500);
}

TEST(AwsResponse, AFaultOfASignatureHasItsOwnStatus) {
  const auto status = [](std::string_view name, AwsProtocol protocol) { return render_aws_error({Code::kDenied, "", name}, protocol).status; };
  EXPECT_EQ(status("IncompleteSignature", AwsProtocol::kQuery), 400);
  EXPECT_EQ(status("RequestExpired", AwsProtocol::kQuery), 400);
  EXPECT_EQ(status("SignatureDoesNotMatch", AwsProtocol::kQuery), 403);
  EXPECT_EQ(status("InvalidSignatureException", AwsProtocol::kJson), 400);
  EXPECT_EQ(status("AnotherName", AwsProtocol::kQuery), 403);
}

TEST(AwsResponse, NoOutputIsAnEmptyObject) {
  core::Answer answer;
  EXPECT_EQ(body(render_aws_answer(answer, AwsProtocol::kJson, {})), "{}");
}

TEST(AwsResponse, QueryAnswersInXml) {
  core::Answer answer;
  answer.result = core::Reply::of(SecretBytes::copy_of(R"({"Arn":"a<b&\"c\"","Credentials":{"Key":"k"},"List":["x","y"]})"));
  const auto response = render_aws_answer(answer, AwsProtocol::kQuery, "GetCallerIdentity");
  EXPECT_EQ(response.content_type, "text/xml");
  const std::string text = body(response);
  EXPECT_NE(text.find(R"(<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>)"), std::string::npos) << text;
  EXPECT_NE(text.find("<Arn>a&lt;b&amp;&quot;c&quot;</Arn><Credentials><Key>k</Key></Credentials><List><member>x</member><member>y</member></List>"),
            std::string::npos)
      << text;
  const auto error = render_aws_error({Code::kDenied, "no"}, AwsProtocol::kQuery, "id");
  EXPECT_EQ(error.status, 403);
  EXPECT_NE(body(error).find("<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>id</RequestId>"), std::string::npos);
}

}  // namespace
}  // namespace keyhold::api
