#!/usr/bin/env bash
# curl against a server: VAULT_ADDR and the CA come from the environment, as in any script of its users.
# KEYHOLD_MODE is "dev" (ready, VAULT_TOKEN set) or "fresh" (not initialised: done here).
set -uo pipefail

passed=0 failed=0
token=${VAULT_TOKEN:-}
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
reply=$folder/reply headers=$folder/headers token_header=$folder/token

# send METHOD PATH [BODY] [CURL OPTION...]: sets $status and $size; the answer is in the files $reply and $headers. The token is
# in a file: arguments are for everyone to see.
send() {
  local method=$1 path=$2 body=${3-}
  shift $(($# < 3 ? 2 : 3))
  local options=(--silent --noproxy '*' --max-time 20 --output "$reply" --dump-header "$headers"
    --write-out '%{http_code} %{size_download}' --path-as-is "$@")
  case $method in
    HEAD) options+=(--head) ;;
    *) options+=(--request "$method") ;;
  esac
  if [[ -n $token ]]; then
    printf 'X-Vault-Token: %s\n' "$token" >"$token_header"
    options+=(-H "@$token_header")
  fi
  [[ -z $body ]] || options+=(--data-binary @-)
  read -r status size < <(curl "${options[@]}" "$VAULT_ADDR/v1/$path" <<<"$body")
}

# check NAME STATUS [JQ FILTER that must be true of the answer]
check() {
  if [[ $status != "$2" ]]; then
    printf 'FAIL  %s: %s instead of %s\n' "$1" "$status" "$2"
    failed=$((failed + 1))
  elif [[ -n ${3:-} ]] && ! jq -e "$3" "$reply" >/dev/null 2>&1; then
    printf 'FAIL  %s: not %s: %s\n' "$1" "$3" "$(head -c 500 "$reply")"
    failed=$((failed + 1))
  else
    printf 'ok    %s\n' "$1"
    passed=$((passed + 1))
  fi
}

header() {
  if grep -qi "^$2"$'\r'"\?$" "$headers"; then
    printf 'ok    %s\n' "$1"
    passed=$((passed + 1))
  else
    printf 'FAIL  %s: no header %s\n' "$1" "$2"
    failed=$((failed + 1))
  fi
}

if [[ $KEYHOLD_MODE == fresh ]]; then
  send GET sys/health
  check 'health before init' 501 '.initialized == false'
  send GET sys/init
  check 'init status' 200 '.initialized == false'
  send PUT sys/init '{"secret_shares": 2, "secret_threshold": 3}'
  check 'threshold above shares' 400 '.errors | length > 0'
  send PUT sys/init '{"secret_shares": 3, "secret_threshold": 2}'
  check 'init' 200 '(.keys | length == 3) and (.keys_base64 | length == 3)'
  mapfile -t keys < <(jq -r '.keys_base64[]' "$reply")
  root_token=$(jq -r .root_token "$reply")
  token=$root_token
  send POST sys/init '{"secret_shares": 1, "secret_threshold": 1}'
  check 'init again' 400 '.errors | length > 0'
  send GET sys/health
  check 'health when sealed' 503 '.sealed'
  send GET 'sys/health?sealedcode=299'
  check 'health with a code of our own' 299 '.sealed'
  send GET secret/data/any
  check 'sealed' 503 '.errors == ["Vault is sealed"]'
  send PUT sys/unseal "{\"key\": \"${keys[0]}\"}"
  check 'unseal progress' 200 '.sealed and .progress == 1 and (.nonce | length > 0)'
  send PUT sys/unseal "{\"key\": \"${keys[0]}\"}"
  check 'the same share counts once' 200 '.sealed and .progress == 1'
  send PUT sys/unseal '{"reset": true}'
  check 'unseal reset' 200 '.progress == 0 and .nonce == ""'
  send PUT sys/unseal '{"key": "bm90IGEgc2hhcmU="}'
  check 'not a share' 400 '.errors | length > 0'
  send POST sys/unseal "{\"key\": \"${keys[1]}\"}"
  send POST sys/unseal "{\"key\": \"${keys[2]}\"}"
  check 'unsealed' 200 '.sealed == false'
  send POST sys/mounts/secret '{"type": "kv", "options": {"version": "2"}}'
  check 'mount' 204
fi

send GET sys/health
check 'health' 200 '.initialized and (.sealed | not) and (.standby | not) and (.server_time_utc > 0) and (.version | length > 0)'
header 'content type' 'Content-Type: application/json'
header 'no store' 'Cache-Control: no-store'
send HEAD sys/health
check 'HEAD of health' 200
[[ $size -eq 0 ]] || status="a body of $size bytes"
check 'HEAD has no body' 200
send GET sys/seal-status
check 'seal status' 200 '.type == "shamir" and (.sealed | not) and .t >= 1 and .n >= 1'

send PUT secret/data/curl/a '{"data": {"username": "app", "exact": 1.10}}'
check 'put' 200 '.data.version == 1 and .data.deletion_time == "" and (.data.destroyed | not)'
send GET secret/data/curl/a
check 'get' 200 '.data.data.username == "app" and .data.metadata.version == 1 and (.request_id | length == 36)'
header 'no store on secrets' 'Cache-Control: no-store'
grep -q '"exact":1.10[,}]' <(tr -d ' ' <"$reply") || status=rounded
check 'numbers stay as they came' 200
send POST secret/data/curl/a '{"data": {"username": "second"}, "options": {"cas": 1}}'
check 'POST is PUT' 200 '.data.version == 2'
send POST secret/data/curl/a '{"data": {}, "options": {"cas": 1}}'
check 'check-and-set' 400 '.errors[0] | contains("check-and-set parameter did not match the current version")'
send GET 'secret/data/curl/a?version=1'
check 'a version' 200 '.data.data.username == "app"'
send GET secret/data/curl/missing
check 'missing' 404 '. == {"errors": []}'
send LIST secret/metadata/curl
check 'LIST' 200 '.data.keys == ["a"]'
send GET 'secret/metadata/curl/?list=true'
check 'list by query' 200 '.data.keys == ["a"]'
send GET 'secret/metadata/curl?list=0'
check 'not a list' 404
send GET secret/metadata/curl/a
check 'metadata' 200 '.data.current_version == 2 and (.data.versions | keys == ["1", "2"])'
send DELETE secret/data/curl/a
check 'delete' 204
send GET secret/data/curl/a
check 'a deleted version' 404 '.data.data == null and .data.metadata.version == 2 and .data.metadata.deletion_time != ""'
send PUT secret/undelete/curl/a '{"versions": [2]}'
check 'undelete' 204
send PUT secret/destroy/curl/a '{"versions": [1]}'
check 'destroy' 204
send GET 'secret/data/curl/a?version=1'
check 'a destroyed version' 404 '.data.data == null and .data.metadata.destroyed'
send GET secret/data/curl/a '' -H 'Content-Type: text/plain'
check 'the content type of a read is nobody'"'"'s business' 200

send POST sys/mounts/curl-kv '{"type": "kv", "options": {"version": "2"}}'
check 'second mount' 204
send GET sys/mounts
check 'mounts' 200 '.data["curl-kv/"].type == "kv" and .["curl-kv/"].options.version == "2"'
send POST sys/mounts/curl-kv/below '{"type": "kv", "options": {"version": "2"}}'
check 'overlapping mount' 400 '.errors | length > 0'
send DELETE sys/mounts/curl-kv
check 'unmount' 204
send POST sys/mounts/none '{"type": "no-such-engine"}'
check 'unknown engine' 400 '.errors | length > 0'
send GET projects/p/secrets
check 'projects belong to another API' 404

send PUT sys/policies/acl/curl-reader '{"policy": "path \"secret/data/curl/*\" { capabilities = [\"read\"] }"}'
check 'policy' 204
send POST auth/token/create '{"policies": ["curl-reader"], "ttl": "10m"}'
check 'token' 200 '.auth.client_token | startswith("hvs.")'
root=$token
token=$(jq -r .auth.client_token "$reply")
send GET secret/data/curl/a
check 'allowed' 200 '.data.data.username == "second"'
send PUT secret/data/curl/a '{"data": {}}'
check 'refused' 403 '.errors == ["permission denied"] or (.errors | join(" ") | contains("permission denied"))'
send GET auth/token/lookup-self
check 'lookup-self' 200 '.data.policies == ["curl-reader", "default"] and .data.ttl <= 600 and .data.creation_ttl == 600'
send POST auth/token/revoke-self
check 'revoke-self' 204
send GET secret/data/curl/a
check 'revoked' 403
token=
send GET secret/data/curl/a
check 'no token' 403
token=hvs.forged
send GET secret/data/curl/a
check 'forged token' 403
token=$root

if [[ $KEYHOLD_MODE == fresh ]]; then
  send PUT sys/seal
  check 'seal' 204
  send HEAD sys/health
  check 'HEAD of health when sealed' 503
  send PUT sys/unseal "{\"key\": \"${keys[0]}\"}"
  send PUT sys/unseal "{\"key\": \"${keys[1]}\"}"
  check 'unsealed again' 200 '.sealed == false'
  send GET secret/data/curl/a
  check 'the secret is still there' 200 '.data.data.username == "second"'
fi

printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
