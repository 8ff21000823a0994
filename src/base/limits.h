#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound in one place, each with its unit in the name and its reason beside it.
namespace keyhold::limits {

// Storage contract: the smallest of all planned backends (etcd: 128 operations, 1.5 MiB a request).
inline constexpr std::size_t kStorageKeyBytesMax = 1024;
inline constexpr std::size_t kStorageValueBytesMax = 512 * 1024;
inline constexpr std::size_t kStorageConditionsMax = 128;
inline constexpr std::size_t kStorageOperationsMax = 128;
inline constexpr std::size_t kStorageBatchBytesMax = 1024 * 1024;
inline constexpr std::size_t kStorageListMax = 1000;  // Entries a page.

// JSON from clients (OpenBao's defaults after CVE-2025-6203, lower where nobody needs more).
inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonNodesMax = 10'000;  // Values and keys in one document.

// HTTP, all before authentication.
inline constexpr std::size_t kHttpHeaderBytesMax = 32 * 1024;   // Request line and headers together.
inline constexpr std::size_t kHttpHeaderCountMax = 64;
inline constexpr std::size_t kHttpTargetBytesMax = 8 * 1024;
inline constexpr std::size_t kHttpBodyBytesMax = 2 * 1024 * 1024;  // A 1 MiB value in base64 and JSON fits.
inline constexpr std::int64_t kHttpHeaderReadMs = 10'000;          // First byte to end of headers.
inline constexpr std::int64_t kHttpBodyReadMs = 30'000;
inline constexpr std::int64_t kHttpIdleMs = 90'000;  // Keep-alive without a request.
inline constexpr std::int64_t kHttpWriteMs = 30'000;
inline constexpr std::size_t kHttpConnectionsMax = 8192;

// Requests.
inline constexpr std::size_t kRequestPathBytesMax = 512;  // Leaves room for the key prefix in a storage key.
inline constexpr std::size_t kTokenBytesMax = 512;        // A credential as received.
inline constexpr std::int64_t kRequestDeadlineMs = 30'000;
inline constexpr int kConflictRetriesMax = 16;

}  // namespace keyhold::limits
