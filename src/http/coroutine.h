#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

/// The two coroutine types that connections need. Own ones, as C++20 has none.
namespace keyhold::http {

/// Runs by itself: starts when called, suspends only in its own awaits, and frees its frame when it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

/// A part of another coroutine: runs while that one awaits it, once.
template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct promise_type {
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(Handle self) noexcept { return self.promise().caller; }
      void await_resume() noexcept {}
    };

    Task get_return_object() noexcept { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_value(T result) noexcept { value.emplace(std::move(result)); }
    void unhandled_exception() noexcept { std::terminate(); }

    std::coroutine_handle<> caller;
    std::optional<T> value;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() noexcept { return false; }
  // Inlined, clang 14 elides the frame's allocation and loses the frame at the next suspension (seen under TSan).
  [[gnu::noinline]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
    handle_.promise().caller = caller;
    return handle_;
  }
  T await_resume() noexcept { return std::move(*handle_.promise().value); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

}  // namespace keyhold::http
