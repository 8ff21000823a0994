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

// Storage engine.
inline constexpr std::size_t kStorageQueueCommitsMax = 16 * 1024;  // Waiting for the committer; twice the connections.
inline constexpr std::size_t kStorageQueueBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kStorageGroupCommitsMax = 1024;           // One sync serves at most these.
inline constexpr std::size_t kStorageGroupBytesMax = 4 * 1024 * 1024;  // Bounds the wait of the first in the group.
inline constexpr std::size_t kStorageVersionIndexBytesMax = 16 * 1024 * 1024;  // About 100,000 keys.
inline constexpr std::size_t kStorageWatchRingCommitsMax = 4096;  // How far back a watch can start without a reset.
inline constexpr std::size_t kStorageWatchRingBytesMax = 4 * 1024 * 1024;
inline constexpr std::size_t kStorageUnknownMax = 4096;  // Unknown commits remembered: at least one group.
inline constexpr std::int64_t kStorageReopenMinMs = 100;  // Back-off between attempts to become writable again.
inline constexpr std::int64_t kStorageReopenMaxMs = 5'000;

// JSON from clients (OpenBao's defaults after CVE-2025-6203, lower where nobody needs more).
inline constexpr std::size_t kJsonDepthMax = 32;
inline constexpr std::size_t kJsonNodesMax = 10'000;  // Values and keys in one document.

// Policies in AWS's language. Its own bounds are lower, but count without white space.
inline constexpr std::size_t kIamIdentityPolicyBytesMax = 64 * 1024;
inline constexpr std::size_t kIamResourcePolicyBytesMax = 20'480;  // AWS's own for a secret; trust policies as well.
inline constexpr std::size_t kIamPolicyDepthMax = 10;              // Statement, Condition, operator, key, values: 7 are needed.
inline constexpr std::size_t kIamStatementsMax = 256;
inline constexpr std::size_t kIamListElementsMax = 1024;   // Actions, resources, principals or values of one element.
inline constexpr std::size_t kIamConditionsMax = 64;       // Pairs of operator and key in one statement.
inline constexpr std::size_t kIamPatternBytesMax = 2048;   // One resource or value; AWS's longest ARN.
inline constexpr std::size_t kIamPatternVariablesMax = 8;  // In one pattern, each of which may be as long as a name.

// HTTP, all before authentication.
inline constexpr std::size_t kHttpHeaderBytesMax = 32 * 1024;   // Request line and headers together.
inline constexpr std::size_t kHttpHeaderCountMax = 64;
inline constexpr std::size_t kHttpTargetBytesMax = 8 * 1024;
inline constexpr std::size_t kHttpBodyBytesMax = 2 * 1024 * 1024;  // A 1 MiB value in base64 and JSON fits.
inline constexpr std::int64_t kHttpHeaderReadMs = 10'000;          // First byte to end of headers.
inline constexpr std::size_t kHttpSnapshotBytesMax = 128 * 1024 * 1024;  // Of a snapshot that is sent to be restored.
inline constexpr std::int64_t kHttpBodyReadMs = 30'000;
inline constexpr std::int64_t kHttpIdleMs = 90'000;  // Keep-alive without a request.
inline constexpr std::int64_t kHttpWriteMs = 30'000;
inline constexpr std::size_t kHttpConnectionsMax = 8192;

// Requests.
inline constexpr std::size_t kRequestPathBytesMax = 512;  // Leaves room for the key prefix in a storage key.
inline constexpr std::size_t kQueryParametersMax = 32;
inline constexpr std::size_t kTokenBytesMax = 4096;       // A credential as received; a batch token carries its record.
inline constexpr std::int64_t kRequestDeadlineMs = 30'000;
inline constexpr int kConflictRetriesMax = 16;
inline constexpr std::size_t kDiskThreads = 4;        // Handlers that wait for reads; commits do not hold a thread.
inline constexpr std::size_t kRemoteThreads = 16;
inline constexpr std::size_t kStreamThreads = 2;
inline constexpr std::size_t kStreamQueueMax = 8;
inline constexpr std::size_t kPoolQueueMax = 1024;    // Tasks waiting for a pool; over it 503 at once.
inline constexpr std::size_t kEntryCacheBytesMax = 64 * 1024 * 1024;
inline constexpr std::size_t kCompiledPoliciesMax = 4096;  // Different lists of policies kept compiled; all are dropped at the bound.
inline constexpr std::size_t kPrincipalsMax = 16 * 1024;  // Compiled principals kept; all are dropped at the bound.

// Signatures of AWS requests (Signature Version 4); their headers and query are bounded as those of all requests.
inline constexpr std::size_t kAwsAccessKeyIdBytesMax = 128;     // AWS's own bound.
inline constexpr std::size_t kAwsScopeNameBytesMax = 64;        // A region or a service: AWS's are half as long.
inline constexpr std::int64_t kAwsClockSkewMs = 5 * 60 * 1000;  // Either way, as AWS allows.
inline constexpr std::int64_t kAwsPresignedSecondsMax = 7 * 24 * 60 * 60;  // AWS's own bound.

// Clients of an API, the command line among them.
inline constexpr std::size_t kClientAnswerBytesMax = 64 * 1024 * 1024;  // A list of a million names fits.
inline constexpr std::size_t kClientJsonNodesMax = 4'000'000;
inline constexpr std::size_t kClientJsonDepthMax = 128;
inline constexpr std::size_t kClientHeadersMax = 64;                      // Kept of an answer.
inline constexpr std::size_t kClientInputBytesMax = 16 * 1024 * 1024;     // A file or standard input, before the server's own bound.
inline constexpr std::int64_t kClientConnectMs = 10'000;
inline constexpr std::int64_t kClientTimeoutMs = 60'000;                  // Vault's.
inline constexpr std::int64_t kClientRetryWaitMs = 1'000;                 // Between attempts, unless the server says more.
inline constexpr std::int64_t kClientRetryWaitMsMax = 30'000;

}  // namespace keyhold::limits
