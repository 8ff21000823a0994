#!/usr/bin/env bash
# The aws CLI against a development server: endpoint, keys and the CA come from the environment, as in any script of its users.
set -uo pipefail

passed=0 failed=0
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# check NAME EXIT-CODE EXPECTED-TEXT COMMAND...: the text is a part of what it prints; empty = any.
check() {
  local name=$1 code=$2 text=$3 ended
  shift 3
  aws secretsmanager "$@" >"$folder/printed" 2>&1
  ended=$?
  if [[ $ended != "$code" ]] || { [[ -n $text ]] && ! grep -qF -- "$text" "$folder/printed"; }; then
    printf 'FAIL  %s: exit code %s: %s\n' "$name" "$ended" "$(head -c 500 "$folder/printed")"
    failed=$((failed + 1))
  else
    printf 'ok    %s\n' "$name"
    passed=$((passed + 1))
  fi
}

printf '{"username": "app", "password": "first"}' >"$folder/secret.json"
check 'create a secret from a file' 0 arn:aws:secretsmanager: create-secret --name cli/app --secret-string "file://$folder/secret.json"
check 'read its value' 0 '{"username": "app", "password": "first"}' get-secret-value --secret-id cli/app --query SecretString --output text
check 'write another' 0 AWSCURRENT put-secret-value --secret-id cli/app --secret-string second
check 'read the one before' 0 first get-secret-value --secret-id cli/app --version-stage AWSPREVIOUS --query SecretString --output text
check 'describe it' 0 AWSPREVIOUS describe-secret --secret-id cli/app
check 'tag it' 0 '' tag-resource --secret-id cli/app --tags Key=team,Value=payments
check 'find it by its tag' 0 cli/app list-secrets --filters Key=tag-key,Values=team --query 'SecretList[].Name' --output text
check 'list its versions' 0 AWSCURRENT list-secret-version-ids --secret-id cli/app
check 'bytes from a file' 0 '' create-secret --name cli/bytes --secret-binary "fileb://$folder/secret.json"
check 'its bytes in base64' 0 "$(base64 -w0 <"$folder/secret.json")" get-secret-value --secret-id cli/bytes --query SecretBinary --output text
check 'delete it' 0 DeletionDate delete-secret --secret-id cli/app --recovery-window-in-days 7
check 'it is marked' 255 InvalidRequestException get-secret-value --secret-id cli/app
check 'restore it' 0 cli/app restore-secret --secret-id cli/app
check 'what is not there' 255 "Secrets Manager can't find the specified secret." get-secret-value --secret-id cli/none
check 'the name of another' 255 ResourceExistsException create-secret --name cli/app --secret-string x
AWS_SECRET_ACCESS_KEY=wrong check 'a wrong key' 255 InvalidSignatureException list-secrets
AWS_ACCESS_KEY_ID=AKIANOBODYKNOWSTHIS0 check 'an unknown key' 255 UnrecognizedClientException list-secrets

printf '%s passed, %s failed\n' "$passed" "$failed"
((failed == 0))
