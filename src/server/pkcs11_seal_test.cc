#include "server/pkcs11_seal.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/sanitizer_test_util.h"

namespace keyhold::server {
namespace {

using crypto::Pkcs11Token;
using WhenMissing = Pkcs11Token::WhenMissing;

constexpr const char* kLibrary = "/usr/lib/softhsm/libsofthsm2.so";

/// SoftHSM, with tokens in a folder of the test's.
class Pkcs11SealOfSoftHsm : public testing::Test {
 protected:
  Pkcs11SealOfSoftHsm() {
    std::string name = (std::filesystem::temp_directory_path() / "keyhold-hsm-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ / "tokens");
    std::ofstream(folder_ / "softhsm2.conf") << "directories.tokendir = " << (folder_ / "tokens").string() << "\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (folder_ / "softhsm2.conf").c_str(), 1);
  }
  ~Pkcs11SealOfSoftHsm() override {
    ::unsetenv("SOFTHSM2_CONF");
    std::filesystem::remove_all(folder_);
  }
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "the HSM's library is not built for a sanitizer";
  }
  static void make_token(const std::string& label, const std::string& pin = "1234") {
    const std::string command = "softhsm2-util --init-token --free --so-pin 5678 --label " + label + " --pin " + pin + " >/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0) << "Debian's softhsm2 is needed";
  }
  static Pkcs11Seal::Settings settings(std::string label, WhenMissing when_missing = WhenMissing::kGenerate) {
    Pkcs11Seal::Settings made{.token = {.library_path = kLibrary, .token_label = "keyhold"}, .key = {std::move(label), {}}, .when_missing = when_missing};
    made.token.pin = SecretBytes::copy_of("1234");
    return made;
  }
  static Result<std::string> wrap_with(Pkcs11Seal::Settings given, crypto::Rng& rng) {
    return Pkcs11Seal(std::move(given), rng).wrap(KeyBytes::copy_of(std::string(32, 's')), "context");
  }
  std::string reason(Pkcs11Seal::Settings given) {
    const auto wrapped = wrap_with(std::move(given), rng_);
    if (wrapped.ok()) return "wrapped";
    EXPECT_EQ(wrapped.code(), Code::kUnavailable);
    return wrapped.error().message;
  }

  crypto::OsRng rng_;
  std::filesystem::path folder_;
  const KeyBytes secret_ = KeyBytes::copy_of(std::string(32, 's'));
};

TEST_F(Pkcs11SealOfSoftHsm, WrapsAndUnwrapsAndEveryChangedByteIsFound) {
  make_token("keyhold");
  Pkcs11Seal seal(settings("unseal"), rng_);
  const auto wrapped = seal.wrap(secret_, "context");
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
  EXPECT_NE(wrapped->find("unseal"), std::string::npos) << "which key it was is told";
  EXPECT_EQ(wrapped->find("ssss"), std::string::npos);
  EXPECT_NE(*seal.wrap(secret_, "context"), *wrapped);
  const auto opened = seal.unwrap(*wrapped, "context");
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->reveal(), secret_.reveal());
  EXPECT_FALSE(seal.outdated(*wrapped));
  EXPECT_EQ(seal.unwrap(*wrapped, "another").code(), Code::kCorrupt);
  for (std::size_t at = 0; at < wrapped->size(); ++at) {
    std::string changed = *wrapped;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(seal.unwrap(changed, "context").ok()) << at;  // It may name a key that is not there.
    EXPECT_EQ(seal.unwrap(wrapped->substr(0, at), "context").code(), Code::kCorrupt) << at;
  }
}

TEST_F(Pkcs11SealOfSoftHsm, SaysWhatIsMissing) {
  auto wrong = settings("unseal");
  wrong.token.library_path = "/none.so";
  EXPECT_NE(reason(std::move(wrong)).find("the module cannot be loaded"), std::string::npos);
  wrong = settings("unseal");
  wrong.token.library_path = "libdl.so.2";
  EXPECT_NE(reason(std::move(wrong)).find("no PKCS #11 module"), std::string::npos);
  const auto copy = folder_ / "module.so";
  std::filesystem::copy_file(kLibrary, copy);
  std::filesystem::permissions(copy, std::filesystem::perms::group_write, std::filesystem::perm_options::add);
  wrong = settings("unseal");
  wrong.token.library_path = copy.string();
  EXPECT_NE(reason(std::move(wrong)).find("may write to the module"), std::string::npos);
  EXPECT_NE(reason(settings("unseal")).find("no token"), std::string::npos);
  make_token("other");
  EXPECT_NE(reason(settings("unseal")).find("no token"), std::string::npos);
  make_token("keyhold");
  EXPECT_NE(reason(settings("unseal", WhenMissing::kFail)).find("no AES key"), std::string::npos);
  EXPECT_EQ(reason(settings("unseal")), "wrapped");
  EXPECT_EQ(reason(settings("unseal", WhenMissing::kFail)), "wrapped");
  wrong = settings("unseal");
  wrong.token.slot = 1;
  EXPECT_NE(reason(std::move(wrong)).find("no token"), std::string::npos);
  make_token("keyhold");
  EXPECT_NE(reason(settings("unseal")).find("several tokens"), std::string::npos);
}

TEST_F(Pkcs11SealOfSoftHsm, FindsATokenThatComesLater) {
  Pkcs11Seal seal(settings("unseal"), rng_);
  EXPECT_EQ(seal.wrap(secret_, "context").code(), Code::kUnavailable);
  make_token("keyhold");
  const auto wrapped = seal.wrap(secret_, "context");
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
  std::filesystem::rename(folder_ / "tokens", folder_ / "away");
  std::filesystem::create_directory(folder_ / "tokens");
  EXPECT_EQ(seal.unwrap(*wrapped, "context").code(), Code::kUnavailable);
  std::filesystem::remove(folder_ / "tokens");
  std::filesystem::rename(folder_ / "away", folder_ / "tokens");
  EXPECT_TRUE(seal.unwrap(*wrapped, "context").ok());
}

TEST_F(Pkcs11SealOfSoftHsm, AWrongPinIsGivenOnce) {
  make_token("keyhold", "9999");
  Pkcs11Seal seal(settings("unseal"), rng_);
  for (int i = 0; i < 2; ++i) {
    const auto refused = seal.wrap(secret_, "context");
    ASSERT_EQ(refused.code(), Code::kUnavailable);
    EXPECT_NE(refused.error().message.find("refuses the PIN"), std::string::npos) << refused.error().message;
    EXPECT_EQ(refused.error().message.find("1234"), std::string::npos);
    // The right one from now on, which would be taken if it were asked for.
    if (i == 0) {
      ASSERT_EQ(std::system("softhsm2-util --init-token --token keyhold --so-pin 5678 --label keyhold --pin 1234 >/dev/null"), 0);
    }
  }
  EXPECT_EQ(reason(settings("unseal")), "wrapped");
}

TEST_F(Pkcs11SealOfSoftHsm, TheNextKeyTakesOverWhileThePreviousOneIsNamed) {
  make_token("keyhold");
  const auto old = wrap_with(settings("old"), rng_);
  ASSERT_TRUE(old.ok());
  std::string told;
  auto alone = settings("new");
  alone.warn = [&told](std::string_view line) { told = line; };
  Pkcs11Seal next(std::move(alone), rng_);
  EXPECT_EQ(next.unwrap(*old, "context").code(), Code::kCorrupt);
  EXPECT_NE(told.find("label \"old\""), std::string::npos) << told;
  auto both = settings("new");
  both.previous = Pkcs11Seal::KeyName{"old", {}};
  Pkcs11Seal seal(std::move(both), rng_);
  EXPECT_TRUE(seal.unwrap(*old, "context").ok());
  EXPECT_TRUE(seal.outdated(*old));
  const auto anew = seal.wrap(secret_, "context");
  ASSERT_TRUE(anew.ok());
  EXPECT_FALSE(seal.outdated(*anew));
  EXPECT_TRUE(next.unwrap(*anew, "context").ok());
}

TEST_F(Pkcs11SealOfSoftHsm, SeveralKeysOfOneLabelAreToldApartByTheirIds) {
  make_token("keyhold");
  auto first = settings("unseal");
  first.key.id = "\x01";
  const auto wrapped = wrap_with(std::move(first), rng_);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message;
  auto second = settings("unseal");
  second.key.id = "\x02";
  ASSERT_TRUE(wrap_with(std::move(second), rng_).ok());
  EXPECT_NE(reason(settings("unseal")).find("several AES keys"), std::string::npos);
  Pkcs11Seal by_label(settings("unseal"), rng_);
  EXPECT_TRUE(by_label.unwrap(*wrapped, "context").ok()) << "the record names the id";
  Pkcs11Seal::Settings by_id = settings({});
  by_id.key.id = "\x01";
  EXPECT_TRUE(Pkcs11Seal(std::move(by_id), rng_).unwrap(*wrapped, "context").ok());
}

}  // namespace
}  // namespace keyhold::server
