#include "core/policy/cidr.h"

#include <gtest/gtest.h>

namespace keyhold::core {
namespace {

CidrList list(std::vector<std::string> texts) {
  auto parsed = CidrList::parse(texts);
  EXPECT_TRUE(parsed.ok()) << texts.front();
  return parsed.ok() ? std::move(*parsed) : CidrList();
}

TEST(Cidr, HoldsTheAddressesOfItsPrefix) {
  struct Case {
    const char* block;
    const char* in;
    const char* out;
  };
  for (const Case& c : {Case{"10.0.0.0/8", "10.255.0.1", "11.0.0.1"}, Case{"10.1.2.3/8", "10.9.9.9", "9.255.255.255"},
                        Case{"192.0.2.128/25", "192.0.2.128", "192.0.2.127"}, Case{"192.0.2.7", "192.0.2.7", "192.0.2.8"},
                        Case{"192.0.2.7/32", "192.0.2.7", "192.0.2.6"}, Case{"192.0.2.4/31", "192.0.2.5", "192.0.2.6"},
                        Case{"0.0.0.0/0", "203.0.113.1", "2001:db8::1"}, Case{"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
                        Case{"::1", "::1", "::2"}, Case{"::/0", "fe80::1", "192.0.2.1"},
                        Case{"192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"}, Case{"::ffff:192.0.2.9", "192.0.2.9", "192.0.2.8"}}) {
    EXPECT_TRUE(list({c.block}).allows(c.in)) << c.block << " " << c.in;
    EXPECT_FALSE(list({c.block}).allows(c.out)) << c.block << " " << c.out;
  }
}

TEST(Cidr, OneOfSeveralIsEnoughAndNoneIsEverything) {
  const CidrList two = list({"10.0.0.0/8", "2001:db8::/32"});
  EXPECT_TRUE(two.allows("10.1.1.1"));
  EXPECT_TRUE(two.allows("2001:db8::7"));
  EXPECT_FALSE(two.allows("127.0.0.1"));
  EXPECT_TRUE(CidrList().allows("127.0.0.1"));
  EXPECT_TRUE(CidrList().allows("unknown"));
}

TEST(Cidr, APeerThatIsNoAddressIsNowhere) {
  for (const char* peer : {"", "unknown", "10.0.0.1 ", "10.0.0.1:80", "fe80::1%eth0", "10.0.0", "0x0a.0.0.1"}) {
    EXPECT_FALSE(list({"0.0.0.0/0", "::/0"}).allows(peer)) << peer;
  }
  EXPECT_FALSE(list({"10.0.0.1"}).allows(std::string_view("10.0.0.1\0", 9)));
}

TEST(Cidr, RefusesWhatIsNone) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ", "10.0.0.0/8/8",
                           "2001:db8::/129", "host", "10.0.0.0/08x", " 10.0.0.0/8", "10.0.0.256"}) {
    EXPECT_FALSE(CidrBlock::parse(text).ok()) << text;
  }
}

}  // namespace
}  // namespace keyhold::core
