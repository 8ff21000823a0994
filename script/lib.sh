# Shared by the scripts of this folder: source it. Defines `root`, the repository's folder, and changes nothing else.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "$(basename "$0"): $*"
  exit 1
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    fail "needs root or sudo to run: $*"
  fi
}

# The packages of the arguments that are not installed.
apt_missing() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
  done
}

# Installs what is missing of the named Debian packages, and says nothing when nothing is.
apt_install() {
  local missing
  mapfile -t missing < <(apt_missing "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  if [[ -z ${keyhold_apt_updated:-} ]]; then
    as_root apt-get -qq -o Acquire::Retries=3 update >&2 || say "The package lists could not be refreshed; going on."
    keyhold_apt_updated=1
  fi
  as_root apt-get -qq -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    --no-install-recommends install "${missing[@]}" >/dev/null \
    || fail "could not install ${missing[*]}"
}

# Configures build/$1 with the further arguments, unless it already is with just these.
configure() {
  local folder=$root/build/$1 wanted
  shift
  wanted=$(printf '%s\n' "$@")
  if [[ ! -f $folder/build.ninja || $(cat "$folder/configured-with" 2>/dev/null) != "$wanted" ]]; then
    cmake -S "$root" -B "$folder" -G Ninja "$@" || return
    printf '%s\n' "$wanted" >"$folder/configured-with"
  fi
}
