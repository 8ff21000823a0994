#pragma once

/// Whether this is a build with AddressSanitizer or ThreadSanitizer, for tests that cannot hold in one.
namespace keyhold {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

/// So many random inputs, or a tenth in such a build, which is some ten times slower.
constexpr int inputs(int count) { return kSanitized ? count / 10 : count; }

}  // namespace keyhold
