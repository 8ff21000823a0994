#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include "http/server.h"
#include "http/test_support.h"

namespace keyhold::http {
namespace {

using test::start_server;
using test::TestHandler;
using test::text_response;
using test::TlsClient;
using test::TlsClientOptions;
using test::TlsFixture;
using ::testing::HasSubstr;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

ServerOptions with_tls(const TlsFiles& files) {
  ServerOptions options;
  options.listeners = {{.host = {}, .port = 0, .tls = true, .tls_files = files}};
  return options;
}

TEST(ServerTls, ServesBothVersionsAndRefusesOlder) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  TlsClient newest(server->port(0), {.ca_path = fixture.path("ca.pem"), .protocol = "http/1.1"});
  ASSERT_TRUE(newest.connected());
  EXPECT_STREQ(newest.version(), "TLSv1.3");
  EXPECT_EQ(newest.protocol(), "http/1.1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(newest.ask(kGet).body, "GET /a ");

  TlsClient older(server->port(0), {.ca_path = fixture.path("ca.pem"), .version_max = TLS1_2_VERSION});
  ASSERT_TRUE(older.connected());
  EXPECT_STREQ(older.version(), "TLSv1.2");
  EXPECT_EQ(older.ask(kGet).status, 200);

  EXPECT_FALSE(TlsClient(server->port(0), {.ca_path = fixture.path("ca.pem"), .version_max = TLS1_1_VERSION}).connected());
  EXPECT_FALSE(TlsClient(server->port(0), {.ca_path = fixture.path("ca.pem"), .protocol = "h2"}).connected());
}

TEST(ServerTls, TakesLargeBodiesBothWaysAndPipelines) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  TlsClient client(server->port(0), {.ca_path = fixture.path("ca.pem")});
  const std::string body(1024 * 1024, 'b');
  ASSERT_TRUE(client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n" + body));
  EXPECT_EQ(client.read().body, "POST /p " + body);
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += kGet;
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.read().status, 200);
}

TEST(ServerTls, GoesOnAfterAKeyUpdate) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  TlsClient client(server->port(0), {.ca_path = fixture.path("ca.pem")});
  std::promise<void> both_sent;
  EXPECT_EQ(client.ask(kGet).status, 200);
  // The record without data and the request arrive together.
  server->worker(0).post([sent = both_sent.get_future().share()] { sent.wait(); });
  ASSERT_TRUE(client.update_keys());
  ASSERT_TRUE(client.send(kGet));
  both_sent.set_value();
  EXPECT_EQ(client.read().status, 200);
}

TEST(ServerTls, SaysGoodbye) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  TlsClient client(server->port(0), {.ca_path = fixture.path("ca.pem")});
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").status, 200);
  EXPECT_TRUE(client.closed());  // By close_notify, which receive() tells from a cut.
}

TEST(ServerTls, RefusesPlainTextAndBrokenHandshakes) {
  const TlsFixture fixture;
  TestHandler handler;
  ServerOptions options = with_tls(fixture.files());
  options.header_read_ms = 50;
  const auto server = start_server(handler, options);
  EXPECT_EQ(test::Client(server->port(0)).ask(kGet).status, 0);
  EXPECT_TRUE(test::Client(server->port(0)).closed());  // A client that says nothing.
}

TEST(ServerTls, ResumesSessions) {
  const TlsFixture fixture;
  TestHandler handler;
  ServerOptions options = with_tls(fixture.files());
  options.threads = 2;
  const auto server = start_server(handler, options);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first(server->port(0), {.ca_path = fixture.path("ca.pem"), .version_max = version});
    EXPECT_EQ(first.ask(kGet).status, 200);
    EXPECT_FALSE(first.resumed());
    SSL_SESSION* session = first.session();
    for (int i = 0; i < 4; ++i) {  // On either worker.
      TlsClient again(server->port(0), {.ca_path = fixture.path("ca.pem"), .version_max = version, .session = session});
      EXPECT_EQ(again.ask(kGet).status, 200);
      EXPECT_TRUE(again.resumed()) << version;
      // TLS 1.3 uses a ticket once.
      if (version == TLS1_3_VERSION) SSL_SESSION_free(std::exchange(session, again.session()));
    }
    SSL_SESSION_free(session);
  }
}

TEST(ServerTls, VerifiesClientCertificates) {
  const TlsFixture fixture;
  fixture.issue_client("client", "client_ca.pem");
  fixture.issue_client("stranger", "stranger_ca.pem");
  TlsFiles files = fixture.files();
  files.client_ca_path = fixture.path("client_ca.pem");
  std::string certificate;
  TestHandler handler([&](Worker&, Request request, std::unique_ptr<Exchange> exchange) {
    certificate = request.client_certificate_der;
    exchange->respond(text_response(""));
  });
  const TlsClientOptions without{.ca_path = fixture.path("ca.pem")};
  TlsClientOptions with = without;
  with.certificate_path = fixture.path("client.pem");
  with.private_key_path = fixture.path("client.key");
  TlsClientOptions wrong = without;
  wrong.certificate_path = fixture.path("stranger.pem");
  wrong.private_key_path = fixture.path("stranger.key");

  for (const bool required : {false, true}) {
    files.require_client_certificate = required;
    const auto server = start_server(handler, with_tls(files));
    EXPECT_EQ(TlsClient(server->port(0), without).ask(kGet).status, required ? 0 : 200);
    EXPECT_EQ(certificate, "");
    EXPECT_EQ(TlsClient(server->port(0), wrong).ask(kGet).status, 0);

    TlsClient known(server->port(0), with);
    EXPECT_EQ(known.ask(kGet).status, 200);
    EXPECT_THAT(certificate, HasSubstr("client"));

    // The certificate comes with the resumed session.
    SSL_SESSION* const session = known.session();
    TlsClientOptions resuming = with;
    resuming.session = session;
    certificate.clear();
    TlsClient again(server->port(0), resuming);
    EXPECT_EQ(again.ask(kGet).status, 200);
    EXPECT_TRUE(again.resumed());
    EXPECT_THAT(certificate, HasSubstr("client"));
    SSL_SESSION_free(session);
    certificate.clear();
  }
}

TEST(ServerTls, ReloadsCertificatesAndKeepsTheOldOnesOnAnError) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto server = start_server(handler, with_tls(fixture.files()));
  const auto connects = [&](std::string_view ca) { return TlsClient(server->port(0), {.ca_path = fixture.path(ca)}).connected(); };
  TlsClient open(server->port(0), {.ca_path = fixture.path("ca.pem")});
  fixture.issue("server", "new_ca.pem");
  EXPECT_TRUE(connects("ca.pem"));
  ASSERT_TRUE(server->reload_certificates().ok());
  EXPECT_TRUE(connects("new_ca.pem"));
  EXPECT_FALSE(connects("ca.pem"));
  EXPECT_EQ(open.ask(kGet).status, 200);

  fixture.write("server.pem", "not a certificate");
  const auto failed = server->reload_certificates();
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("server.pem"));
  EXPECT_TRUE(connects("new_ca.pem"));
}

TEST(ServerTls, NamesTheFileThatCannotBeUsed) {
  const TlsFixture fixture;
  TestHandler handler;
  const auto message = [&](TlsFiles files) {
    ServerOptions options = with_tls(files);
    options.listeners[0].host = "127.0.0.1";
    const auto server = Server::bind(options, handler);
    return server.ok() ? std::string("bound") : server.error().message;
  };
  TlsFiles files = fixture.files();
  EXPECT_EQ(message(files), "bound");
  files.certificate_path = fixture.path("absent.pem");
  EXPECT_THAT(message(files), HasSubstr("cannot use the certificate file"));
  EXPECT_THAT(message(files), HasSubstr("absent.pem': No such file or directory"));
  files = fixture.files();
  fixture.write("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  files.private_key_path = fixture.path("broken.key");
  EXPECT_THAT(message(files), HasSubstr("cannot use the private key file"));
  fixture.issue("other", "other_ca.pem");
  files.private_key_path = fixture.path("other.key");
  EXPECT_THAT(message(files), HasSubstr("key"));
  files = fixture.files();
  files.client_ca_path = fixture.path("absent.pem");
  EXPECT_THAT(message(files), HasSubstr("cannot use the client CA file"));
  files.client_ca_path = {};
  files.require_client_certificate = true;
  EXPECT_THAT(message(files), HasSubstr("need a client CA file"));
}

}  // namespace
}  // namespace keyhold::http
