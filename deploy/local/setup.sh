#!/usr/bin/env bash
# Makes sure of what every make target needs: Python with venv, the packages, Java, the emulators; with
# --browser of Chromium too, in which the console is tested.
# Does nothing, quickly, when all is there. Works as root or not.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "set-up: $*" >&2; }

apt_install() {
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    # sudo may ask for a password only where somebody can give it.
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
      sudo=(sudo)
    else
      say "an administrator must install $*. Type, then try again:"
      echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $*" >&2
      exit 1
    fi
  fi
  say "installing $*"
  [ -n "${lists_fetched:-}" ] || "${sudo[@]}" apt-get update -qq >&2
  lists_fetched=yes
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >&2
}

# The first that is new enough and can make virtual environments; the one CI uses is tried first.
find_python() {
  local name path
  for name in ${PYTHON:-} python3.11 python3 python3.12 python3.13; do
    for path in $(type -aP "$name"); do
      if "$path" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$path"
        return
      fi
    done
  done
  return 1
}

virtual_environment() {
  local python
  .venv/bin/python -m pip --version >/dev/null 2>&1 && return
  if ! python=$(find_python) && command -v apt-get >/dev/null; then
    apt_install python3 python3-venv
    python=$(find_python) || true
  fi
  if [ -z "$python" ]; then
    say "Python 3.11 or later with its venv module is needed: install it, or name it in PYTHON"
    exit 1
  fi
  say "making .venv with $("$python" --version)"
  "$python" -m venv --clear .venv
}

wanted_packages() {
  cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1
}

are_installed() {
  .venv/bin/python -c '' 2>/dev/null && [ "$(cat .venv/.requirements 2>/dev/null)" = "$(wanted_packages)" ]
}

packages() {
  say "installing the packages of requirements-dev.txt"
  # Without pip's cache: nothing is left outside this folder. Only files whose hashes are known.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes \
    -r requirements.txt -r requirements-dev.txt
  wanted_packages >.venv/.requirements
}

command_line() {
  cmp -s deploy/sam/sync-sam .venv/bin/sync-sam || install -m 755 deploy/sam/sync-sam .venv/bin/sync-sam
}

# Whether apt has Google's repository, by its lists or, where those are not fetched yet, its sources.
apt_knows() {
  command -v apt-get >/dev/null &&
    { apt-cache show "$1" >/dev/null 2>&1 || grep -rqs packages.cloud.google.com /etc/apt/; }
}

# A component of the Google Cloud SDK, by whichever means installed the SDK.
sdk_component() {
  local component=$1 package=google-cloud-cli-${1#cloud-}
  if apt_knows "$package"; then
    apt_install "$package"
  elif command -v gcloud >/dev/null && gcloud components list --quiet >/dev/null 2>&1; then
    say "installing $component"
    gcloud components install --quiet "$component" >&2
  else
    say "the emulators of the Google Cloud SDK are needed. Type, then try again:"
    if command -v apt-get >/dev/null; then
      cat >&2 <<'HOW'
    sudo apt-get update && sudo apt-get install -y curl gnupg
    curl -fsSL https://packages.cloud.google.com/apt/doc/apt-key.gpg | sudo gpg --dearmor -o /usr/share/keyrings/cloud.google.gpg
    echo "deb [signed-by=/usr/share/keyrings/cloud.google.gpg] https://packages.cloud.google.com/apt cloud-sdk main" | sudo tee /etc/apt/sources.list.d/google-cloud-sdk.list
    sudo apt-get update && sudo apt-get install -y google-cloud-cli-firestore-emulator google-cloud-cli-pubsub-emulator
HOW
    else
      cat >&2 <<'HOW'
    curl https://sdk.cloud.google.com | bash
    gcloud components install cloud-firestore-emulator pubsub-emulator
HOW
    fi
    exit 1
  fi
}

java() {
  if command -v apt-get >/dev/null; then
    apt_install default-jre-headless
  else
    say "Java 17 or later is needed (a headless runtime is enough): install it, then try again"
    exit 1
  fi
}

emulators() {
  local missing part
  missing=$(.venv/bin/python -m deploy.local.sdk) && return
  for part in $missing; do
    case $part in
      java) java ;;
      *) sdk_component "$part" ;;
    esac
  done
  missing=$(.venv/bin/python -m deploy.local.sdk) || { say "still missing: $missing"; exit 1; }
}

browser() {
  local name
  [ -n "${CHROMIUM:-}" ] && return
  for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && return
  done
  if command -v apt-get >/dev/null; then
    apt_install chromium
  else
    say "Chromium is needed: install it, or name it in CHROMIUM, then try again"
    exit 1
  fi
}

if [ "$(uname -s)" != Linux ]; then
  say "the local cloud needs Linux: on macOS or Windows use a container or WSL"
  exit 1
fi

# Two make targets at once set up one after the other.
mkdir -p .local/tmp
if command -v flock >/dev/null; then
  exec 9>.local/setup.lock
  flock 9
fi
if ! are_installed; then
  virtual_environment
  # Beside what apt installs: each waits for the other's downloads no more.
  packages &
  installing=$!
fi
emulators
if [ "${1:-}" = --browser ]; then
  browser
fi
[ -z "${installing:-}" ] || wait "$installing"
command_line
