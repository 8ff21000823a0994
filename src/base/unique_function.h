#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace keyhold {

template <typename Signature>
class UniqueFunction;

/// A callable that is moved, never copied, so that it may own what it needs; up to kInlineBytes of captures cost no
/// allocation, which std::function grants to trivially copyable captures only. (C++23 has std::move_only_function.)
///
/// threads   One at a time.
template <typename R, typename... Arguments>
class UniqueFunction<R(Arguments...)> {
 public:
  static constexpr std::size_t kInlineBytes = 48;

  UniqueFunction() noexcept = default;
  template <typename Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, UniqueFunction> &&
             std::is_invocable_r_v<R, std::remove_cvref_t<Callable>&, Arguments...>)
  UniqueFunction(Callable&& callable) {  // NOLINT: made from any lambda, like std::function.
    using Kept = std::remove_cvref_t<Callable>;
    if constexpr (fits<Kept>()) {
      ::new (static_cast<void*>(storage_)) Kept(std::forward<Callable>(callable));
      operations_ = &kInline<Kept>;
    } else {
      ::new (static_cast<void*>(storage_)) std::unique_ptr<Kept>(std::make_unique<Kept>(std::forward<Callable>(callable)));
      operations_ = &kAllocated<Kept>;
    }
  }
  UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  UniqueFunction(const UniqueFunction&) = delete;
  UniqueFunction& operator=(const UniqueFunction&) = delete;
  ~UniqueFunction() { reset(); }

  explicit operator bool() const noexcept { return operations_ != nullptr; }

  /// Not of an empty one.
  R operator()(Arguments... arguments) {
    CHECK(operations_ != nullptr);
    return operations_->call(storage_, std::forward<Arguments>(arguments)...);
  }

 private:
  struct Operations {
    R (*call)(std::byte*, Arguments&&...);
    void (*move)(std::byte* to, std::byte* from) noexcept;  // Leaves nothing at `from`.
    void (*destroy)(std::byte*) noexcept;
  };

  template <typename Kept>
  static constexpr bool fits() {
    return sizeof(Kept) <= kInlineBytes && alignof(Kept) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<Kept>;
  }
  template <typename Kept>
  static Kept& at(std::byte* storage) {
    return *std::launder(reinterpret_cast<Kept*>(storage));
  }
  template <typename Kept>
  static void move_kept(std::byte* to, std::byte* from) noexcept {
    ::new (static_cast<void*>(to)) Kept(std::move(at<Kept>(from)));
    at<Kept>(from).~Kept();
  }
  template <typename Kept>
  static void destroy_kept(std::byte* storage) noexcept {
    at<Kept>(storage).~Kept();
  }

  template <typename Kept>
  static constexpr Operations kInline{
      [](std::byte* storage, Arguments&&... arguments) -> R {
        return static_cast<R>(at<Kept>(storage)(std::forward<Arguments>(arguments)...));
      },
      &move_kept<Kept>, &destroy_kept<Kept>};
  template <typename Kept>
  static constexpr Operations kAllocated{
      [](std::byte* storage, Arguments&&... arguments) -> R {
        return static_cast<R>((*at<std::unique_ptr<Kept>>(storage))(std::forward<Arguments>(arguments)...));
      },
      &move_kept<std::unique_ptr<Kept>>, &destroy_kept<std::unique_ptr<Kept>>};

  void take(UniqueFunction& other) noexcept {
    if (other.operations_ == nullptr) return;
    other.operations_->move(storage_, other.storage_);
    operations_ = std::exchange(other.operations_, nullptr);
  }
  void reset() noexcept {
    if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
  }

  alignas(std::max_align_t) std::byte storage_[kInlineBytes];
  const Operations* operations_ = nullptr;
};

}  // namespace keyhold
