#include "crypto/pkcs11_token.h"

#define CRYPTOKI_COMPAT 1
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <utility>
#include <vector>

namespace keyhold::crypto {
namespace {

constexpr CK_ULONG kSlotsMax = 1024;
constexpr CK_ULONG kGeneratedKeyBytes = 32;
constexpr std::int64_t kCloseMs = 2'000;
constexpr std::size_t kPlaintextBytesMax = 4096;

Error unavailable(std::string text) { return {Code::kUnavailable, std::move(text)}; }

/// "CKR_… " as its number: names are many, and a module has its own.
std::string hexadecimal(CK_RV value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%lx", value);
  return text.data();
}

/// What an operator can do about a failed call.
Error failed(CK_RV value) {
  switch (value) {
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_DEVICE_REMOVED:
    case CKR_SLOT_ID_INVALID: return unavailable("the token is gone: is the device connected?");
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_USER_NOT_LOGGED_IN: return unavailable("the token ended the session");
    case CKR_SESSION_COUNT: return unavailable("the token has too many sessions");
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID: return unavailable("the token does not encrypt by CKM_AES_GCM");
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_KEY_TYPE_INCONSISTENT: return unavailable("the key may not be used for this: it needs CKA_ENCRYPT and CKA_DECRYPT");
    case CKR_TOKEN_WRITE_PROTECTED:
    case CKR_SESSION_READ_ONLY: return unavailable("the token takes no new key: make it by the module's own tools");
    default: return unavailable("the module failed with " + hexadecimal(value) + " (CKR_… of PKCS #11)");
  }
}

/// Fields of a token's description end in spaces.
template <std::size_t kSize>
std::string_view field_of(const CK_UTF8CHAR (&field)[kSize]) {
  std::string_view text(reinterpret_cast<const char*>(field), kSize);
  const std::size_t end = text.find_last_not_of(std::string_view(" \0", 2));
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

/// PKCS #11 takes everything by pointers to what it could change, and does not.
CK_BYTE* bytes_of(std::string_view bytes) { return reinterpret_cast<CK_BYTE*>(const_cast<char*>(bytes.data())); }

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, std::string_view value) { return {type, bytes_of(value), value.size()}; }
template <typename T>
CK_ATTRIBUTE attribute_of(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}

struct Session {
  Session(CK_FUNCTION_LIST& of_module, CK_SESSION_HANDLE opened) : functions(of_module), handle(opened) {}
  ~Session() { functions.C_CloseSession(handle); }  // The last one of the program logs out.
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  CK_FUNCTION_LIST& functions;
  const CK_SESSION_HANDLE handle;
};

/// AES-GCM's parameters, which point into this.
struct GcmMechanism {
  GcmMechanism(std::string given_nonce, std::string_view associated) : nonce(std::move(given_nonce)) {
    parameters.pIv = bytes_of(nonce);
    parameters.ulIvLen = nonce.size();
    parameters.ulIvBits = nonce.size() * 8;
    parameters.pAAD = bytes_of(associated);
    parameters.ulAADLen = associated.size();
    parameters.ulTagBits = Pkcs11Token::kTagBytes * 8;
  }
  GcmMechanism(const GcmMechanism&) = delete;
  GcmMechanism& operator=(const GcmMechanism&) = delete;

  std::string nonce;
  CK_GCM_PARAMS parameters{};
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
};

Result<std::string> read_attribute(const Session& session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type) {
  std::string value(Pkcs11Token::kNameBytesMax, '\0');
  CK_ATTRIBUTE wanted = attribute(type, value);
  const CK_RV read = session.functions.C_GetAttributeValue(session.handle, key, &wanted, 1);
  if (read == CKR_ATTRIBUTE_TYPE_INVALID) return std::string();
  if (read == CKR_BUFFER_TOO_SMALL) return unavailable("the label or the id of the key is longer than 255 bytes");
  if (read != CKR_OK) return failed(read);
  value.resize(wanted.ulValueLen);
  return value;
}

Result<std::vector<CK_OBJECT_HANDLE>> find_keys(const Session& session, const Pkcs11Token::KeyName& name) {
  CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
  CK_KEY_TYPE aes = CKK_AES;
  std::vector<CK_ATTRIBUTE> wanted{attribute_of(CKA_CLASS, secret_key), attribute_of(CKA_KEY_TYPE, aes)};
  if (!name.label.empty()) wanted.push_back(attribute(CKA_LABEL, name.label));
  if (!name.id.empty()) wanted.push_back(attribute(CKA_ID, name.id));
  CK_FUNCTION_LIST& functions = session.functions;
  if (const CK_RV begun = functions.C_FindObjectsInit(session.handle, wanted.data(), wanted.size()); begun != CKR_OK) return failed(begun);
  std::vector<CK_OBJECT_HANDLE> keys(2);  // More than one is enough to know.
  CK_ULONG count = 0;
  const CK_RV found = functions.C_FindObjects(session.handle, keys.data(), keys.size(), &count);
  functions.C_FindObjectsFinal(session.handle);
  if (found != CKR_OK) return failed(found);
  keys.resize(count);
  return keys;
}

Result<CK_OBJECT_HANDLE> one_of(const std::vector<CK_OBJECT_HANDLE>& keys) {
  if (keys.empty()) return unavailable("the token has no AES key of this key_label and key_id, or does not show it to this user");
  if (keys.size() > 1) return unavailable("the token has several AES keys of this name: give both key_label and key_id");
  return keys.front();
}

Result<CK_OBJECT_HANDLE> generate(const Session& session, const Pkcs11Token::KeyName& name) {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG size = kGeneratedKeyBytes;
  std::vector<CK_ATTRIBUTE> wanted{attribute_of(CKA_TOKEN, yes),      attribute_of(CKA_PRIVATE, yes), attribute_of(CKA_SENSITIVE, yes),
                                   attribute_of(CKA_EXTRACTABLE, no), attribute_of(CKA_ENCRYPT, yes), attribute_of(CKA_DECRYPT, yes),
                                   attribute_of(CKA_VALUE_LEN, size), attribute(CKA_LABEL, name.label)};
  if (!name.id.empty()) wanted.push_back(attribute(CKA_ID, name.id));
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = 0;
  const CK_RV made = session.functions.C_GenerateKey(session.handle, &mechanism, wanted.data(), wanted.size(), &key);
  if (made != CKR_OK) return failed(made);
  return key;
}

}  // namespace

/// The shared library and what was learnt of its token. Used by one thread at a time.
class Pkcs11Token::Library {
 public:
  explicit Library(Settings settings) : settings_(std::move(settings)) {}

  enum class Writes : std::uint8_t { kNone, kKeys };
  Result<std::unique_ptr<Session>> log_in(Writes writes) {
    if (!refused_.empty()) return unavailable(refused_ + ": it is not given again before the server's next start");
    TRY(initialize());
    TRY_ASSIGN(const CK_SLOT_ID slot, find_slot());
    CK_SESSION_HANDLE handle = 0;
    const CK_FLAGS flags = CKF_SERIAL_SESSION | (writes == Writes::kKeys ? CKF_RW_SESSION : 0);
    if (const CK_RV opened = functions_->C_OpenSession(slot, flags, nullptr, nullptr, &handle); opened != CKR_OK) return failed(opened);
    auto session = std::make_unique<Session>(*functions_, handle);
    TRY(give_pin(*session));
    return session;
  }

  /// The next call begins anew.
  void finalize() {
    if (initialized_ && ours_) functions_->C_Finalize(nullptr);
    initialized_ = false;
  }

 private:
  /// The shared library stays for good: not all can be unloaded.
  Result<void> load() {
    if (functions_ != nullptr) return {};
    struct stat status;
    if (::stat(settings_.library_path.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      return unavailable("others than its owner may write to the module: chmod go-w");
    }
    void* const library = ::dlopen(settings_.library_path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      const char* const why = ::dlerror();
      return unavailable("the module cannot be loaded: " + std::string(why == nullptr ? "no reason given" : why));
    }
    const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    CK_FUNCTION_LIST* functions = nullptr;
    if (get_functions == nullptr || get_functions(&functions) != CKR_OK || functions == nullptr || functions->version.major != 2) {
      ::dlclose(library);
      return unavailable("the library is no PKCS #11 module");
    }
    functions_ = functions;
    return {};
  }

  Result<void> initialize() {
    if (initialized_) return {};
    TRY(load());
    CK_C_INITIALIZE_ARGS arguments{};
    arguments.flags = CKF_OS_LOCKING_OK;
    const CK_RV begun = functions_->C_Initialize(&arguments);
    if (begun != CKR_OK && begun != CKR_CRYPTOKI_ALREADY_INITIALIZED) return failed(begun);
    ours_ = begun == CKR_OK;
    initialized_ = true;
    return {};
  }

  Result<CK_SLOT_ID> find_slot() {
    CK_ULONG count = 0;
    if (const CK_RV counted = functions_->C_GetSlotList(CK_TRUE, nullptr, &count); counted != CKR_OK) return failed(counted);
    if (count > kSlotsMax) return unavailable("the module has too many slots");
    std::vector<CK_SLOT_ID> slots(count);
    if (const CK_RV listed = functions_->C_GetSlotList(CK_TRUE, slots.data(), &count); listed != CKR_OK) return failed(listed);
    slots.resize(count);
    std::vector<CK_SLOT_ID> fitting;
    for (const CK_SLOT_ID slot : slots) {
      if (settings_.slot && *settings_.slot != slot) continue;
      CK_TOKEN_INFO token{};
      if (functions_->C_GetTokenInfo(slot, &token) != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
      if (settings_.token_label.empty() || field_of(token.label) == settings_.token_label) {
        fitting.push_back(slot);
        token_flags_ = token.flags;
      }
    }
    if (fitting.empty()) return unavailable("there is no token of this token_label or slot: is the device connected, and the token initialised?");
    if (fitting.size() > 1) return unavailable("several tokens have this token_label: give the slot as well");
    return fitting.front();
  }

  Result<void> give_pin(const Session& session) {
    if ((token_flags_ & CKF_USER_PIN_LOCKED) != 0) return refused("the PIN is locked: the token's security officer can set it anew");
    if ((token_flags_ & CKF_USER_PIN_INITIALIZED) == 0) return unavailable("the token has no PIN for its user yet: set it");
    // The last try is a person's, who looks what he types.
    if ((token_flags_ & CKF_USER_PIN_FINAL_TRY) != 0) return unavailable("the next wrong PIN would lock the token: log in to it once by its own tools");
    const std::string_view pin = settings_.pin.reveal();
    switch (const CK_RV given = session.functions.C_Login(session.handle, CKU_USER, bytes_of(pin), pin.size()); given) {
      case CKR_OK:
      case CKR_USER_ALREADY_LOGGED_IN: return {};
      case CKR_PIN_LOCKED: return refused("the PIN is locked: the token's security officer can set it anew");
      case CKR_PIN_EXPIRED: return refused("the PIN has expired: set a new one");
      case CKR_PIN_INCORRECT:
      case CKR_PIN_INVALID:
      case CKR_PIN_LEN_RANGE: return refused("the token refuses the PIN");
      default: return failed(given);
    }
  }

  Error refused(std::string text) {
    refused_ = std::move(text);
    return unavailable(refused_ + ": it is not given again before the server's next start");
  }

  const Settings settings_;
  CK_FUNCTION_LIST* functions_ = nullptr;
  bool initialized_ = false;
  bool ours_ = false;  // Not initialised by another part of the process.
  CK_FLAGS token_flags_ = 0;
  std::string refused_;  // Why the PIN was.
};

Pkcs11Token::Pkcs11Token(Settings settings)
    : calls_(settings.timeout_ms, settings.stopping), library_(std::make_shared<Library>(std::move(settings))) {}

Pkcs11Token::~Pkcs11Token() {
  // Though the server stops: a module may have something to put in order.
  calls_.run_last([library = library_] { library->finalize(); }, kCloseMs);
}

template <typename T>
Result<T> Pkcs11Token::run(std::function<Result<T>(Library&)> work) {
  auto result = calls_.run<T>([library = library_, work = std::move(work)] {
    Result<T> done = work(*library);
    if (!done.ok() && done.code() == Code::kUnavailable) library->finalize();
    return done;
  });
  if (!result.ok()) return Error{result.code(), "the seal's HSM: " + result.error().message};
  return result;
}

Result<Pkcs11Token::KeyName> Pkcs11Token::find(const KeyName& wanted, WhenMissing when_missing) {
  return run<KeyName>([wanted, when_missing](Library& library) -> Result<KeyName> {
    const bool may_generate = when_missing == WhenMissing::kGenerate;
    TRY_ASSIGN(const auto session, library.log_in(may_generate ? Library::Writes::kKeys : Library::Writes::kNone));
    TRY_ASSIGN(const auto keys, find_keys(*session, wanted));
    TRY_ASSIGN(const CK_OBJECT_HANDLE key, keys.empty() && may_generate ? generate(*session, wanted) : one_of(keys));
    KeyName name;
    TRY_ASSIGN(name.label, read_attribute(*session, key, CKA_LABEL));
    TRY_ASSIGN(name.id, read_attribute(*session, key, CKA_ID));
    return name;
  });
}

Result<Pkcs11Token::Encrypted> Pkcs11Token::encrypt(const KeyName& key, std::string_view nonce, std::string_view associated, SecretBytes plaintext) {
  if (nonce.size() != kNonceBytes || plaintext.size() > kPlaintextBytesMax) return Error{Code::kInternal, "a nonce or plaintext of another size"};
  return run<Encrypted>([key, nonce = std::string(nonce), associated = std::string(associated),
                         plaintext = std::make_shared<const SecretBytes>(std::move(plaintext))](Library& library) -> Result<Encrypted> {
    TRY_ASSIGN(const auto session, library.log_in(Library::Writes::kNone));
    TRY_ASSIGN(const auto keys, find_keys(*session, key));
    TRY_ASSIGN(const CK_OBJECT_HANDLE handle, one_of(keys));
    GcmMechanism gcm(nonce, associated);
    CK_FUNCTION_LIST& functions = session->functions;
    if (const CK_RV begun = functions.C_EncryptInit(session->handle, &gcm.mechanism, handle); begun != CKR_OK) return failed(begun);
    Encrypted encrypted{{}, std::string(plaintext->size() + kTagBytes, '\0')};
    CK_ULONG size = encrypted.ciphertext.size();
    const CK_RV done = functions.C_Encrypt(session->handle, bytes_of(plaintext->reveal()), plaintext->size(), bytes_of(encrypted.ciphertext), &size);
    if (done != CKR_OK) return failed(done);
    if (size != encrypted.ciphertext.size()) return unavailable("the module does not encrypt as AES-GCM does");
    encrypted.nonce = std::move(gcm.nonce);
    return encrypted;
  });
}

Result<SecretBytes> Pkcs11Token::decrypt(const KeyName& key, const Encrypted& encrypted, std::string_view associated) {
  const Error damaged{Code::kCorrupt, "it does not open under the token's key: it was changed, or the module failed"};
  if (encrypted.nonce.size() != kNonceBytes || encrypted.ciphertext.size() < kTagBytes || encrypted.ciphertext.size() > kPlaintextBytesMax + kTagBytes) return damaged;
  return run<SecretBytes>([key, encrypted, associated = std::string(associated), damaged](Library& library) -> Result<SecretBytes> {
    TRY_ASSIGN(const auto session, library.log_in(Library::Writes::kNone));
    TRY_ASSIGN(const auto keys, find_keys(*session, key));
    TRY_ASSIGN(const CK_OBJECT_HANDLE handle, one_of(keys));
    GcmMechanism gcm(encrypted.nonce, associated);
    CK_FUNCTION_LIST& functions = session->functions;
    if (const CK_RV begun = functions.C_DecryptInit(session->handle, &gcm.mechanism, handle); begun != CKR_OK) return failed(begun);
    auto plaintext = SecretBytes::zeroed(encrypted.ciphertext.size());  // Some modules want room for the tag.
    CK_ULONG size = plaintext.size();
    const CK_RV done = functions.C_Decrypt(session->handle, bytes_of(encrypted.ciphertext), encrypted.ciphertext.size(),
                                           reinterpret_cast<CK_BYTE*>(plaintext.writable().data()), &size);
    switch (done) {
      case CKR_OK: break;
      // Modules differ in what they say of a tag that does not fit.
      case CKR_ENCRYPTED_DATA_INVALID:
      case CKR_ENCRYPTED_DATA_LEN_RANGE:
      case CKR_SIGNATURE_INVALID:
      case CKR_DATA_INVALID:
      case CKR_FUNCTION_FAILED:
      case CKR_GENERAL_ERROR: return damaged;
      default: return failed(done);
    }
    if (size != encrypted.ciphertext.size() - kTagBytes) return damaged;
    plaintext.resize(size);
    return plaintext;
  });
}

}  // namespace keyhold::crypto
