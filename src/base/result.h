#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace keyhold {

/// What a caller can do about an error. Each wire API owns one exhaustive switch over it.
enum class Code {
  kInvalid,      // The request is wrong: change it.
  kDenied,       // The credential is missing, unknown or not enough.
  kNotFound,     // Nothing is there, or nothing the caller may know of.
  kUnsupported,  // The path exists, the operation on it does not.
  kTooLarge,     // Over a documented bound.
  kMediaType,    // The body's content type is not one the operation takes.
  kLimited,      // A quota is used up: wait.
  kSealed,       // The barrier is sealed, or not initialised.
  kUnavailable,  // A resource is exhausted or failing: try again later.
  kConflict,     // What was read has changed: run again. Never leaves the Gate.
  kMiss,         // A cached run met a value outside the cache: run on a pool. Never leaves the Gate.
  kUnknown,      // The write may or may not have happened: read before retrying.
  kCorrupt,      // Stored data failed authentication or decoding.
  kInternal,     // Our own bug or an unexpected answer of the system.
};

/// An error. `message` may reach a client: it never holds a value that the client or the store supplied.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string_view name{};  // What an API calls it that has a name of its own for it ("ResourceExistsException"): a static text.
};

/// A value or an Error. Dropping one does not compile.
///
/// threads   As safe as T.
template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }
  Code code() const { return error().code; }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }
  Code code() const { return error_->code; }

 private:
  std::optional<Error> error_;
};

namespace internal {
[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, expression);
  std::abort();
}
}  // namespace internal

}  // namespace keyhold

#define KEYHOLD_CONCAT_INNER(a, b) a##b
#define KEYHOLD_CONCAT(a, b) KEYHOLD_CONCAT_INNER(a, b)

/// Stays on in release builds; for our own bugs only. Input always yields an Error.
#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) ::keyhold::internal::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

/// Returns the error of `expression` from the enclosing function; nothing to keep otherwise.
#define TRY(expression)                                                     \
  do {                                                                      \
    if (auto try_result = (expression); !try_result.ok()) return std::move(try_result).error(); \
  } while (false)

/// Declares or assigns `target` from the value of `expression`, or returns its error.
#define TRY_ASSIGN(target, ...) TRY_ASSIGN_IMPL(KEYHOLD_CONCAT(try_assign_, __LINE__), target, (__VA_ARGS__))
#define TRY_ASSIGN_IMPL(name, target, expression) \
  auto name = expression;                         \
  if (!name.ok()) return std::move(name).error(); \
  target = std::move(name).value()
