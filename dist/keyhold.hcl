# Configuration of keyhold server: keyhold.hcl(5). Check it by: keyhold operator diagnose -config=/etc/keyhold/keyhold.hcl
#
# After the first start: keyhold operator init, and keep the shares that it prints in different hands.

listener "tcp" {
  address       = "127.0.0.1:8200"
  tls_cert_file = "/etc/keyhold/tls/server.pem"
  tls_key_file  = "/etc/keyhold/tls/server-key.pem"
}

storage "raft" {
  path = "/var/lib/keyhold/store"
}

audit_journal {
  directory = "/var/lib/keyhold/audit"
}

# A copy of the audit records in Vault's format, for logrotate and a SIEM.
# audit "file" "siem" {
#   options = { file_path = "/var/log/keyhold/audit.log" }
# }

# The server unseals itself by the key of /etc/credstore/keyhold.seal-key (head -c 32 /dev/urandom; mode 0400).
# seal "static" {
#   current_key_id = "1"
#   current_key    = "credential://keyhold.seal-key"
# }

log_format = "json"
log_level  = "info"
