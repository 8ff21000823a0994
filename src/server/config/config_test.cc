#include "server/config/config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keyhold::server {
namespace {

constexpr std::string_view kPlainListener = "listener \"tcp\" { tls_disable = true }\n";
constexpr std::string_view kStorage = "storage \"raft\" { path = \"/var/lib/keyhold\" }\n";

std::string reason_of(std::string_view text) {
  auto loaded = parse_config(text, "keyhold.hcl");
  return loaded.ok() ? "accepted" : loaded.error().message;
}
std::string minimal_and(std::string_view text) { return std::string(kPlainListener) + std::string(kStorage) + std::string(text); }
std::string with_listener(std::string_view inside) {
  std::string text(kStorage);
  return text.append("listener \"tcp\" {\n").append(inside).append("\n}\n");
}

class ConfigFiles : public testing::Test {
 protected:
  ConfigFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "keyhold-config-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~ConfigFiles() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view content) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << content;
    return path;
  }

  std::string directory_;
};

TEST_F(ConfigFiles, ReadsWhatVaultReads) {
  const std::string certificate = write("cert.pem", "c");
  const std::string key = write("key.pem", "k");
  const std::string authority = write("ca.pem", "a");
  const std::string path = write("keyhold.hcl", R"(
ui            = true
cluster_name  = "prod"
api_addr      = "https://vault.example.com:8200"
cluster_addr  = "https://10.0.0.1:8201"
disable_mlock = "true"
log_level     = "warning"
log_format    = "json"
sandbox       = "log"
default_lease_ttl = "24h"
max_lease_ttl = 604800

storage "raft" {
  path    = "/var/lib/keyhold/"
  node_id = "node-1"
}
listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = ")" + certificate + R"("
  tls_key_file  = ")" + key + R"("
  tls_client_ca_file = ")" + authority + R"("
  tls_require_and_verify_client_cert = true
}
listener "tcp" {
  address = "[::1]:0"
  tls_disable = 1
}
)");
  auto loaded = load_config(path);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty());
  const Config& config = loaded->config;
  EXPECT_TRUE(config.ui);
  EXPECT_TRUE(config.disable_mlock);
  EXPECT_EQ(config.cluster_name, "prod");
  EXPECT_EQ(config.api_addr, "https://vault.example.com:8200");
  EXPECT_EQ(config.cluster_addr, "https://10.0.0.1:8201");
  EXPECT_EQ(config.log_level, "warn");
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_EQ(config.sandbox, SandboxMode::kLog);
  EXPECT_EQ(config.default_lease_ttl_s, 86'400);
  EXPECT_EQ(config.max_lease_ttl_s, 604'800);
  EXPECT_EQ(config.storage.kind, StorageConfig::Kind::kEmbedded);
  EXPECT_EQ(config.storage.type, "raft");
  EXPECT_EQ(config.storage.path, "/var/lib/keyhold/");
  EXPECT_EQ(config.storage.node_id, "node-1");
  EXPECT_EQ(config.journal.directory, "/var/lib/keyhold/audit");
  ASSERT_EQ(config.listeners.size(), 2u);
  EXPECT_EQ(config.listeners[0].address.host, "0.0.0.0");
  EXPECT_EQ(config.listeners[0].address.port, 8200);
  EXPECT_TRUE(config.listeners[0].tls);
  EXPECT_EQ(config.listeners[0].tls_certificate_path, certificate);
  EXPECT_EQ(config.listeners[0].tls_private_key_path, key);
  EXPECT_EQ(config.listeners[0].tls_client_ca_path, authority);
  EXPECT_TRUE(config.listeners[0].require_client_certificate);
  EXPECT_EQ(config.listeners[1].address.host, "::1");
  EXPECT_FALSE(config.listeners[1].tls);
}

TEST_F(ConfigFiles, TlsFilesMustBeReadable) {
  const std::string key = write("key.pem", "k");
  const std::string missing = directory_ + "/missing.pem";
  EXPECT_EQ(reason_of(with_listener("tls_key_file = \"" + key + "\"\ntls_cert_file = \"" + missing + "\"")),
            "keyhold.hcl:4: listener: tls_cert_file cannot be read: No such file or directory");
  EXPECT_EQ(reason_of(with_listener("tls_cert_file = \"" + key + "\"\ntls_key_file = \"" + directory_ + "\"")),
            "keyhold.hcl:4: listener: tls_key_file cannot be read: not a regular file");
  const std::string pair = "tls_cert_file = \"" + key + "\"\ntls_key_file = \"" + key + "\"\n";
  EXPECT_EQ(reason_of(with_listener(pair + "tls_client_ca_file = \"" + missing + "\"")),
            "keyhold.hcl:5: listener: tls_client_ca_file cannot be read: No such file or directory");
  EXPECT_EQ(reason_of(with_listener(pair)), "accepted");
  EXPECT_EQ(reason_of(with_listener(pair + "tls_require_and_verify_client_cert = true")),
            "keyhold.hcl:2: listener: tls_require_and_verify_client_cert needs tls_client_ca_file");
  EXPECT_EQ(reason_of(with_listener(pair + "tls_require_and_verify_client_cert = true\ntls_disable_client_certs = true")),
            "keyhold.hcl:2: listener: client certificates are both required and disabled");
}

TEST_F(ConfigFiles, FilesThatCannotBeReadAreErrors) {
  EXPECT_EQ(load_config(directory_ + "/none.hcl").error().message, directory_ + "/none.hcl: No such file or directory");
  EXPECT_EQ(load_config(directory_).error().message, directory_ + ": not a regular file");
  const std::string big = write("big.hcl", std::string(1024 * 1024 + 1, '\n'));
  EXPECT_EQ(load_config(big).error().message, big + ":1: a text over the size limit");
  const std::string bad = write("bad.hcl", "ui = true\nui = ");
  EXPECT_EQ(load_config(bad).error().message, bad + ":2: a value is missing (strings need quotes)");
}

TEST(Config, JsonIsTheSame) {
  auto loaded = parse_config(R"({
    "ui": true,
    "default_lease_ttl": "1h",
    "backend": {"file": {"path": "/data"}},
    "listener": [{"tcp": {"address": "127.0.0.1:1", "tls_disable": 1}}, {"tcp": {"address": ":2", "tls_disable": "true"}}]
  })", "keyhold.json");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->config.ui);
  EXPECT_EQ(loaded->config.storage.path, "/data");
  EXPECT_EQ(loaded->config.journal.directory, "/data/audit");
  ASSERT_EQ(loaded->config.listeners.size(), 2u);
  EXPECT_EQ(loaded->config.listeners[1].address.host, "0.0.0.0");
  EXPECT_EQ(loaded->config.listeners[1].address.port, 2);
}

TEST(Config, DefaultsAreVaults) {
  auto loaded = parse_config(minimal_and(""), "f");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->config.listeners[0].address.host, "127.0.0.1");
  EXPECT_EQ(loaded->config.listeners[0].address.port, 8200);
  EXPECT_EQ(loaded->config.default_lease_ttl_s, 2'764'800);
  EXPECT_EQ(loaded->config.max_lease_ttl_s, 2'764'800);
  EXPECT_EQ(loaded->config.log_level, "");
  EXPECT_EQ(loaded->config.log_format, LogFormat::kStandard);
  EXPECT_EQ(loaded->config.sandbox, SandboxMode::kOn);
  EXPECT_FALSE(loaded->config.ui);
}

TEST(Config, TheAuditJournalMayLieElsewhere) {
  auto loaded = parse_config(minimal_and("audit_journal { directory = \"/var/log/keyhold\" }"), "f");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->config.journal.directory, "/var/log/keyhold");
  EXPECT_EQ(reason_of(minimal_and("audit_journal { }")), "keyhold.hcl:3: audit_journal: directory is missing");
  const std::string memory = std::string(kPlainListener) + "storage \"inmem\" {}\n";
  EXPECT_EQ(reason_of(memory), "keyhold.hcl: storage \"inmem\" needs an audit_journal with a directory");
  EXPECT_EQ(reason_of(memory + "audit_journal { directory = \"/a\" }"), "accepted");
}

TEST(Config, TheJournalMayHaveABound) {
  const auto journal = [](std::string_view inside) {
    return minimal_and("audit_journal {\n directory = \"/j\"\n" + std::string(inside) + "\n}\n");
  };
  auto loaded = parse_config(journal("retain_bytes = \"10GiB\"\n when_full = \"drop\""), "f");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->config.journal.retain_bytes, 10ull << 30);
  EXPECT_EQ(loaded->config.journal.when_full, core::audit::JournalOptions::WhenFull::kDrop);
  EXPECT_EQ(reason_of(journal("retain_bytes = 16777216\n when_full = \"refuse\"")), "accepted");
  EXPECT_EQ(reason_of(journal("retain_bytes = \"1GiB\"")), "keyhold.hcl:3: audit_journal: retain_bytes and when_full go together");
  EXPECT_EQ(reason_of(journal("when_full = \"drop\"")), "keyhold.hcl:3: audit_journal: retain_bytes and when_full go together");
  EXPECT_EQ(reason_of(journal("when_full = \"forget\"\n retain_bytes = \"1GiB\"")),
            "keyhold.hcl:5: when_full is refuse, drop-forwarded or drop");
  EXPECT_EQ(reason_of(journal("when_full = \"drop\"\n retain_bytes = 1000")), "keyhold.hcl:6: retain_bytes is 16 MiB at least");
  EXPECT_EQ(reason_of(journal("retain_bytes = \"lots\"")), "keyhold.hcl:5: retain_bytes is a number of bytes (\"10GiB\")");
  const std::string forwarded = journal("when_full = \"drop-forwarded\"\n retain_bytes = \"1GiB\"");
  EXPECT_EQ(reason_of(forwarded), "keyhold.hcl:3: audit_journal: when_full \"drop-forwarded\" needs an audit device");
  EXPECT_EQ(reason_of(forwarded + "audit \"file\" \"a\" { options { file_path = \"/log/a\" } }"), "accepted");
}

TEST(Bytes, AreReadWithUnits) {
  EXPECT_EQ(parse_bytes("0").value(), 0u);
  EXPECT_EQ(parse_bytes("512").value(), 512u);
  EXPECT_EQ(parse_bytes("512 B").value(), 512u);
  EXPECT_EQ(parse_bytes("2KiB").value(), 2048u);
  EXPECT_EQ(parse_bytes("3 MB").value(), 3'000'000u);
  EXPECT_EQ(parse_bytes("16777215TiB").value(), 16777215ull << 40);
  for (const std::string_view bad : {"", "-1", "1.5GiB", "GiB", "1gib", "1 GiB ", "0x10", "16777216TiB", "99999999999999999999", "1K"}) {
    EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
  }
}

TEST(Config, AuditDevicesAreDeclared) {
  auto loaded = parse_config(minimal_and(R"(audit "file" "siem" {
  description = "For the SIEM"
  local = true
  options {
    file_path = "/var/log/keyhold/siem.log"
    mode = "0640"
    hmac_accessor = false
  }
}
audit "file" "second/" { options = { file_path = "/var/log/keyhold/second.log" } }
)"), "f");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty());
  ASSERT_EQ(loaded->config.audit_devices.size(), 2u);
  const core::audit::Device& device = loaded->config.audit_devices[0];
  EXPECT_EQ(device.name, "siem");
  EXPECT_EQ(device.description, "For the SIEM");
  EXPECT_TRUE(device.local);
  EXPECT_EQ(device.file_path, "/var/log/keyhold/siem.log");
  EXPECT_EQ(device.mode, 0640u);
  EXPECT_FALSE(device.hash_accessors);
  EXPECT_EQ(loaded->config.audit_devices[1].name, "second");

  auto json = parse_config(R"({"listener": {"tcp": {"tls_disable": true}}, "storage": {"raft": {"path": "/data"}},
    "audit": [{"file": {"siem": {"options": {"file_path": "/var/log/siem.log", "mode": "0600"}}}}]})", "f");
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_EQ(json->config.audit_devices.at(0).file_path, "/var/log/siem.log");
}

std::string device(std::string_view path, std::string_view more = "") {
  std::string text("audit \"file\" \"siem\" { options { file_path = \"");
  return text.append(path).append("\"\n").append(more).append("} }\n");
}

TEST(Config, AnAuditDeviceMayNotWriteEverywhere) {
  const std::string inside = "keyhold.hcl:3: audit: file_path lies in the folder of the store, the journal or plugins";
  EXPECT_EQ(reason_of(minimal_and(device("/var/log/a"))), "accepted");
  EXPECT_EQ(reason_of(minimal_and(device("/var/lib/keyhold/a"))), inside);
  EXPECT_EQ(reason_of(minimal_and(device("/var/lib/keyhold/audit/0-00000000000000000001.jsonl"))), inside);
  EXPECT_EQ(reason_of(minimal_and(device("/j/a") + "audit_journal { directory = \"/j\" }")), inside);
  EXPECT_EQ(reason_of(minimal_and(device("/p/deep/a") + "plugin_directory = \"/p\"")), inside);
  EXPECT_EQ(reason_of(minimal_and(device("log/a"))),
            "keyhold.hcl:3: audit: file_path is an absolute path without \".\", \"..\" and empty parts");
  EXPECT_EQ(reason_of(minimal_and(device("/var/log/a", "mode = \"0755\"\n"))),
            "keyhold.hcl:3: audit: mode is octal, without execute bits, and lets the owner read and write: \"0600\"");
  EXPECT_EQ(reason_of(minimal_and(device("/var/log/a", "log_raw = true\n"))),
            "keyhold.hcl:3: audit: log_raw is not offered: secrets are never written in clear");
  EXPECT_EQ(reason_of(minimal_and(device("/a") + device("/b"))), "keyhold.hcl:5: audit: two devices of one name");
  EXPECT_EQ(reason_of(minimal_and("audit \"socket\" \"s\" { options { address = \"127.0.0.1:9090\" } }")),
            "keyhold.hcl:3: audit: an audit device is of the type \"file\"");
  EXPECT_EQ(reason_of(minimal_and("audit \"file\" \"s\" { }")),
            "keyhold.hcl:3: audit: file_path is an absolute path without \".\", \"..\" and empty parts");
  EXPECT_EQ(reason_of(minimal_and("audit \"file\" \"s\" { options { file_path = [\"/a\"] } }")),
            "keyhold.hcl:3: audit: an option is a string");
}

TEST(Config, AMigrationIsFromOneEmbeddedStoreToAnother) {
  const auto read = [](std::string_view text) { return parse_storage_migration(text, "migrate.hcl"); };
  const std::string source = "storage_source \"raft\" { path = \"/a\" }\n";
  const auto both = read(source + "storage_destination \"file\" { path = \"/b\" }\ncluster_addr = \"https://a:8201\"");
  ASSERT_TRUE(both.ok()) << both.error().message;
  EXPECT_EQ(both->source.path, "/a");
  EXPECT_EQ(both->destination.path, "/b");
  const auto refused = [&read](std::string_view text) { return read(text).error().message; };
  EXPECT_EQ(refused(source), "migrate.hcl: no storage_destination stanza");
  EXPECT_EQ(refused(source + source), "migrate.hcl:2: storage_source is given twice");
  EXPECT_EQ(refused("storage_source \"consul\" { path = \"/a\" }"), "migrate.hcl:1: storage_source is \"raft\", \"file\" (both the embedded store) or \"inmem\"");
  EXPECT_EQ(refused("storage_source \"inmem\" { }"), "migrate.hcl:1: storage_source: what is in memory cannot be copied");
  EXPECT_EQ(refused(source + "storage_destination \"raft\" { }"), "migrate.hcl:2: storage_destination: path is missing");
  EXPECT_EQ(refused(source + "storage_destination \"raft\" { path = \"/b/../a\" }"), "migrate.hcl: storage_source and storage_destination are the same");
}

TEST(Config, MissingAndDoubleStanzasAreErrors) {
  EXPECT_EQ(reason_of(kPlainListener), "keyhold.hcl: no storage stanza");
  EXPECT_EQ(reason_of(kStorage), "keyhold.hcl: no listener \"tcp\" stanza");
  EXPECT_EQ(reason_of(minimal_and("backend \"file\" { path = \"/x\" }")), "keyhold.hcl:3: storage is given twice");
  EXPECT_EQ(reason_of(minimal_and("ui = true\nui = false")), "keyhold.hcl:4: an attribute given twice");
  EXPECT_EQ(reason_of(std::string(kPlainListener) + "storage \"raft\" { }"), "keyhold.hcl:2: storage: path is missing");
  EXPECT_EQ(reason_of(std::string(kPlainListener) + "storage \"consul\" { }"),
            "keyhold.hcl:2: storage is \"raft\", \"file\" (both the embedded store) or \"inmem\"");
  EXPECT_EQ(reason_of(with_listener("")),
            "keyhold.hcl:2: listener: tls_cert_file and tls_key_file are missing (or tls_disable = true)");
}

TEST(Config, WrongTypesAreErrors) {
  EXPECT_EQ(reason_of(minimal_and("ui = \"maybe\"")), "keyhold.hcl:3: ui is true or false");
  EXPECT_EQ(reason_of(minimal_and("ui = [true]")), "keyhold.hcl:3: ui is true or false");
  EXPECT_EQ(reason_of(minimal_and("api_addr = 1")), "keyhold.hcl:3: api_addr is a string");
  EXPECT_EQ(reason_of(minimal_and("log_level = \"loud\"")), "keyhold.hcl:3: log_level is trace, debug, info, warn or error");
  EXPECT_EQ(reason_of(minimal_and("log_format = \"xml\"")), "keyhold.hcl:3: log_format is standard or json");
  EXPECT_EQ(reason_of(minimal_and("sandbox = \"maybe\"")), "keyhold.hcl:3: sandbox is on, log or off");
  EXPECT_EQ(reason_of(minimal_and("sandbox = false")), "keyhold.hcl:3: sandbox is a string");
  EXPECT_EQ(reason_of(minimal_and("max_lease_ttl = \"soon\"")),
            "keyhold.hcl:3: max_lease_ttl is a duration (\"768h\") or seconds");
  EXPECT_EQ(reason_of(minimal_and("max_lease_ttl = true")),
            "keyhold.hcl:3: max_lease_ttl is a duration (\"768h\") or seconds");
  EXPECT_EQ(reason_of(minimal_and("\ndefault_lease_ttl = \"800h\"")),
            "keyhold.hcl:4: default_lease_ttl is longer than max_lease_ttl");
  EXPECT_EQ(reason_of("listener = \"tcp\""), "keyhold.hcl:1: a block is missing");
  EXPECT_EQ(reason_of(with_listener("tls_disable = \"yes\"")), "keyhold.hcl:3: tls_disable is true or false");
  EXPECT_EQ(reason_of(with_listener("tls_disable = true\naddress = \"vault.example.com:8200\"")),
            "keyhold.hcl:4: listener: not an IP address (names are not resolved; IPv6 needs brackets)");
  EXPECT_EQ(reason_of(minimal_and("ui = ")), "keyhold.hcl:3: a value is missing (strings need quotes)");
}

TEST(Config, AStaticSealNamesWhereItsKeysAre) {
  const auto loaded = parse_config(minimal_and(R"(seal "static" {
  current_key_id = "2026"
  current_key = "file:///etc/keyhold/key"
  previous_key_id = "2025"
  previous_key = "credential://old"
})"), "f.hcl");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_EQ(loaded->config.seal.kind, SealConfig::Kind::kStatic);
  EXPECT_EQ(loaded->config.seal.current_key, "file:///etc/keyhold/key");
  EXPECT_EQ(loaded->config.seal.previous_key_id, "2025");
  const auto off = parse_config(minimal_and("seal \"static\" { disabled = \"true\" }"), "f.hcl");
  EXPECT_EQ(off->config.seal.kind, SealConfig::Kind::kShares);
  const auto leaving = parse_config(minimal_and("seal \"static\" {\ndisabled = true\ncurrent_key_id = \"a\"\ncurrent_key = \"env://A\"\n}"), "f.hcl");
  EXPECT_EQ(leaving->config.seal.kind, SealConfig::Kind::kShares);
  EXPECT_EQ(leaving->config.former_seal.kind, SealConfig::Kind::kStatic);
  const auto shamir = parse_config(minimal_and("seal \"shamir\" {}"), "f.hcl");
  EXPECT_TRUE(shamir->warnings.empty());
  EXPECT_EQ(reason_of(minimal_and("seal \"static\" {}")), "keyhold.hcl:3: seal: current_key_id and current_key are missing");
  EXPECT_EQ(reason_of(minimal_and("seal \"static\" {\ncurrent_key_id = \"a\"\ncurrent_key = \"hunter2\"\n}")),
            "keyhold.hcl:5: seal: current_key says where it is: file:///PATH, env://NAME or credential://NAME");
  EXPECT_EQ(reason_of(minimal_and("seal \"static\" {\ncurrent_key_id = \"a\"\ncurrent_key = \"env://A\"\nprevious_key = \"env://B\"\n}")),
            "keyhold.hcl:3: seal: previous_key_id and previous_key go together");
}

TEST(Config, APkcs11SealNamesItsTokenAndKey) {
  const std::string rest = "token_label = \"keyhold\"\nkey_label = \"unseal\"\npin = \"file:///pin\"\n}";
  const auto loaded = parse_config(minimal_and("seal \"pkcs11\" {\nlib = \"/usr/lib/module.so\"\nmodule_paths = \"/etc/a:/b\"\nslot = \"0x2a\"\nkey_id = \"0x01ff\"\nprevious_key_label = \"old\"\n"
                                               "generate_key = \"true\"\nmechanism = \"0x1087\"\nmax_parallel = 1\n" + rest), "f.hcl");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const SealConfig& seal = loaded->config.seal;
  EXPECT_EQ(seal.kind, SealConfig::Kind::kPkcs11);
  EXPECT_EQ(*slot_of(seal.slot), 42u);
  EXPECT_EQ(*key_id_of(seal.key_id), "\x01\xff");
  EXPECT_TRUE(seal.generate_key);
  EXPECT_EQ(module_paths_of(seal), (std::vector<std::string>{"/etc/a", "/b"}));
  EXPECT_EQ(loaded->warnings, std::vector<std::string>{"f.hcl:11: seal: max_parallel has no effect"});
  const auto with = [&](std::string_view lines) { return reason_of(minimal_and("seal \"pkcs11\" {\nlib = \"/m.so\"\n" + std::string(lines) + "\n}")); };
  EXPECT_EQ(reason_of(minimal_and("seal \"pkcs11\" {}")), "keyhold.hcl:3: seal: lib is missing: the path of the HSM's PKCS #11 module");
  EXPECT_EQ(reason_of(minimal_and("seal \"pkcs11\" {\nlib = \"m.so\"\n" + rest)), "keyhold.hcl:4: seal: lib is an absolute path");
  EXPECT_EQ(with("module_paths = \"/a:b\""), "keyhold.hcl:5: seal: module_paths are absolute paths with colons between them");
  EXPECT_EQ(with("key_label = \"a\""), "keyhold.hcl:3: seal: token_label or slot is missing");
  EXPECT_EQ(with("slot = \"first\"\nkey_label = \"a\""), "keyhold.hcl:5: seal: slot is a number");
  EXPECT_EQ(with("slot = \"1\""), "keyhold.hcl:3: seal: key_label or key_id is missing");
  EXPECT_EQ(with("slot = \"1\"\nkey_id = \"xyz\""), "keyhold.hcl:6: seal: key_id is hexadecimal");
  EXPECT_EQ(with("slot = \"1\"\nkey_id = \"01\"\ngenerate_key = true"), "keyhold.hcl:7: seal: generate_key needs a key_label");
  EXPECT_EQ(with("slot = \"1\"\nkey_label = \"a\"\nprevious_key_label = \"a\""), "keyhold.hcl:3: seal: the two keys are one");
  EXPECT_EQ(with("slot = \"1\"\nkey_label = \"a\"\nmechanism = \"CKM_AES_CBC_PAD\""),
            "keyhold.hcl:7: seal: mechanism is CKM_AES_GCM, which authenticates what it encrypts");
  EXPECT_EQ(with("slot = \"1\"\nkey_label = \"a\"\npin = \"hunter2\""),
            "keyhold.hcl:7: seal: pin says where it is: file:///PATH, env://NAME or credential://NAME");
}

TEST(Config, ADisabledSealStandsBesideTheNext) {
  const std::string next = "seal \"static\" {\ncurrent_key_id = \"1\"\ncurrent_key = \"env://A\"\n}\n";
  const std::string former = "seal \"pkcs11\" {\nlib = \"/m.so\"\nslot = \"1\"\nkey_label = \"a\"\ndisabled = \"true\"\n}\n";
  for (const std::string& both : {next + former, former + next}) {
    const auto loaded = parse_config(minimal_and(both), "f.hcl");
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded->config.seal.kind, SealConfig::Kind::kStatic);
    EXPECT_EQ(loaded->config.former_seal.kind, SealConfig::Kind::kPkcs11);
  }
  EXPECT_EQ(reason_of(minimal_and(next + next)), "keyhold.hcl:7: seal is given twice");
  const std::string same = "seal \"static\" {\ncurrent_key_id = \"2\"\ncurrent_key = \"env://B\"\ndisabled = true\n}\n";
  EXPECT_NE(reason_of(minimal_and(next + same)).find("two of one type"), std::string::npos);
}

TEST(Config, ATransitSealNamesItsServerAndKey) {
  const std::string rest = "token = \"file:///t\"\nkey_name = \"unseal\"\n}";
  const auto loaded = parse_config(minimal_and("seal \"transit\" {\naddress = \"https://vault:8200\"\nmount_path = \"t/unseal\"\ntls_skip_verify = true\n" + rest), "f.hcl");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->config.seal.kind, SealConfig::Kind::kTransit);
  EXPECT_EQ(loaded->config.seal.mount_path, "t/unseal");
  EXPECT_EQ(loaded->warnings, std::vector<std::string>{"f.hcl:6: seal: tls_skip_verify has no effect"});
  EXPECT_EQ(reason_of(minimal_and("seal \"transit\" {}")), "keyhold.hcl:3: seal: address, token and key_name are missing");
  EXPECT_EQ(reason_of(minimal_and("seal \"transit\" {\naddress = \"http://vault:8200\"\n" + rest)),
            "keyhold.hcl:4: seal: address begins with https://, or http:// on this machine");
  EXPECT_EQ(reason_of(minimal_and("seal \"transit\" {\naddress = \"https://vault\"\ntoken = \"hvs.x\"\nkey_name = \"a\"\n}")),
            "keyhold.hcl:5: seal: token says where it is: file:///PATH, env://NAME or credential://NAME");
  EXPECT_EQ(reason_of(minimal_and("seal \"transit\" {\naddress = \"https://vault\"\nmount_path = \"a?b\"\n" + rest)),
            "keyhold.hcl:3: seal: key_name and mount_path are names of letters, digits, dashes and dots");
}

TEST(Config, WhatHasNoEffectIsAWarning) {
  auto loaded = parse_config(minimal_and(R"(telemetry { statsd_address = "x" }
seal "awskms" { region = "eu-west-1" }
hunter2 = true
listener "unix" { address = "/run/vault.sock" }
listener "tcp" {
  tls_disable = true
  x_forwarded_for_authorized_addrs = "10.0.0.0/8"
  hunter2 = 1
})"), "f.hcl");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->warnings, (std::vector<std::string>{
                                  "f.hcl:3: telemetry has no effect",
                                  "f.hcl:4: seal has no effect",
                                  "f.hcl:5: an unknown setting is ignored",
                                  "f.hcl:6: listener: only tcp is served, this one is not",
                                  "f.hcl:9: listener: x_forwarded_for_authorized_addrs has no effect",
                                  "f.hcl:10: listener: an unknown setting is ignored",
                              }));
  EXPECT_EQ(loaded->config.listeners.size(), 2u);
}

TEST(Address, ReadsGoForms) {
  const auto shown = [](std::string_view text) {
    auto address = parse_address(text);
    return address.ok() ? address->host + " " + std::to_string(address->port) : "refused";
  };
  EXPECT_EQ(shown("127.0.0.1:8200"), "127.0.0.1 8200");
  EXPECT_EQ(shown("[::1]:8200"), "::1 8200");
  EXPECT_EQ(shown("[::]:0"), ":: 0");
  EXPECT_EQ(shown(":8200"), "0.0.0.0 8200");
  EXPECT_EQ(shown("0.0.0.0:65535"), "0.0.0.0 65535");
  EXPECT_EQ(shown("localhost:8200"), "127.0.0.1 8200");
  for (const std::string_view bad : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1:80a",
                                     "127.0.0.1: 80", "::1:8200", "[::1]", "[127.0.0.1]:80", "[::1:8200", "256.0.0.1:80", "host:80",
                                     "[]:80", "{{ GetPrivateIP }}:80"}) {
    EXPECT_EQ(shown(bad), "refused") << bad;
  }
}

}  // namespace
}  // namespace keyhold::server
