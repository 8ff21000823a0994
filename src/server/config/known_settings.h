#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

/// What Vault and OpenBao read in their configuration files and Keyhold does not use. Naming it in a warning tells an operator
/// that it was understood, not misspelt.
namespace keyhold::server::known {

inline constexpr auto kTopLevel = std::to_array<std::string_view>({
    "administrative_namespace_path", "allow_audit_log_prefixing", "cache_size", "cluster_cipher_suites",
    "default_max_request_duration", "detect_deadlocks", "disable_cache", "disable_clustering", "disable_indexing",
    "disable_performance_standby", "disable_printable_check", "disable_sealwrap", "disable_standby_reads",
    "enable_multiseal", "enable_post_unseal_trace", "enable_raw_endpoint", "enable_response_header_hostname",
    "enable_response_header_raft_node_id", "enable_ui", "entropy", "experiments", "feature_flags", "ha_backend",
    "ha_storage", "hsm", "imprecise_lease_role_tracking", "initialize", "introspection_endpoint", "kms_library",
    "license", "license_path", "log_file", "log_requests_level", "log_rotate_bytes",
    "log_rotate_duration", "log_rotate_max_files", "observations", "pid_file", "plugin_auto_download",
    "plugin_directory", "plugin_download_behavior", "plugin_file_permissions", "plugin_file_uid", "plugin_tmpdir",
    "post_unseal_trace_directory", "raw_storage_endpoint", "redirect_addr", "replication", "reporting", "request_limiter",
    "seal", "sentinel", "service_registration", "telemetry", "unsafe_allow_api_audit_creation", "user_lockout",
});

inline constexpr auto kListener = std::to_array<std::string_view>({
    "agent_api", "chroot_namespace", "cluster_address", "cors_allowed_headers", "cors_allowed_origins", "cors_enabled",
    "custom_response_headers", "disable_replication_status_endpoints", "disable_request_limiter",
    "disable_unauthed_generate_root_endpoints", "disable_unauthed_rekey_endpoints", "http_idle_timeout",
    "http_read_header_timeout", "http_read_timeout", "http_write_timeout", "inflight_requests_logging",
    "max_json_array_element_count", "max_json_depth", "max_json_object_entry_count", "max_json_string_value_length",
    "max_request_duration", "max_request_json_memory", "max_request_json_strings", "max_request_size", "profiling",
    "proxy_api", "proxy_protocol_authorized_addrs", "proxy_protocol_behavior", "purpose", "redact_addresses",
    "redact_cluster_name", "redact_version", "require_request_header", "role", "socket_group", "socket_mode",
    "socket_user", "telemetry", "tls_acme_ca_directory", "tls_acme_cache_path", "tls_acme_email",
    "tls_cipher_suites", "tls_max_version", "tls_min_version", "tls_prefer_server_cipher_suites",
    "x_forwarded_for_authorized_addrs", "x_forwarded_for_client_cert_header",
    "x_forwarded_for_client_cert_header_decoders", "x_forwarded_for_hop_skips", "x_forwarded_for_reject_not_authorized",
});

inline constexpr auto kSeal = std::to_array<std::string_view>({
    "disable_renewal", "disable_software_encryption", "force_rw_session", "key_id_prefix", "max_parallel", "name", "namespace", "priority",
    "rsa_encrypt_local", "rsa_oaep_hash", "tls_client_cert", "tls_client_key", "tls_server_name", "tls_skip_verify",
});

inline constexpr auto kStorage = std::to_array<std::string_view>({
    "autopilot_reconcile_interval", "autopilot_redundancy_zone", "autopilot_update_interval", "autopilot_upgrade_version",
    "initial_mmap_size", "max_entry_size", "max_mount_and_namespace_table_entry_size", "performance_multiplier",
    "raft_log_verifier_enabled", "raft_log_verification_interval", "raft_wal", "retry_join", "retry_join_as_non_voter",
    "snapshot_interval", "snapshot_threshold", "trailing_logs", "max_parallel", "disable_clustering",
});

inline bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace keyhold::server::known
