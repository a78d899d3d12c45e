#!/usr/bin/env bash
# Makes sure of what every make target needs: Python with venv, the packages, Java, the emulators.
# Does nothing, quickly, when all is there. Works as root or not.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { echo "set-up: $*" >&2; }

# What only an administrator may do: $* as root, or word for word what to type.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo "$@"
  else
    say "this needs an administrator. Type, then try again:"
    echo "    sudo $*" >&2
    exit 1
  fi
}

apt_install() {
  say "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

find_python() {
  local name
  for name in ${PYTHON:-} python3.11 python3 python3.12 python3.13; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

packages() {
  local python wanted stamp=.venv/.requirements
  wanted=$(cat requirements.txt requirements-dev.txt | sha256sum | cut -d' ' -f1)
  if .venv/bin/python -c '' 2>/dev/null && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
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
  fi
  say "installing the packages of requirements-dev.txt"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    -r requirements.txt -r requirements-dev.txt
  echo "$wanted" >$stamp
}

# A component of the Google Cloud SDK, by whichever means installed the SDK.
sdk_component() {
  local component=$1 package=$2
  if command -v apt-cache >/dev/null && [ -n "$(apt-cache search --names-only "^$package\$")" ]; then
    apt_install "$package"
  elif command -v gcloud >/dev/null && gcloud components list --quiet >/dev/null 2>&1; then
    say "installing $component"
    gcloud components install --quiet "$component" >&2
  else
    say "the $component of the Google Cloud SDK is needed. Type, then try again:"
    if command -v apt-get >/dev/null; then
      cat >&2 <<'HOW'
    sudo apt-get install -y curl gnupg
    curl -fsSL https://packages.cloud.google.com/apt/doc/apt-key.gpg | sudo gpg --dearmor -o /usr/share/keyrings/cloud.google.gpg
    echo "deb [signed-by=/usr/share/keyrings/cloud.google.gpg] https://packages.cloud.google.com/apt cloud-sdk main" | sudo tee /etc/apt/sources.list.d/google-cloud-sdk.list
    sudo apt-get update
    sudo apt-get install -y google-cloud-cli-firestore-emulator google-cloud-cli-pubsub-emulator
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
      cloud-firestore-emulator) sdk_component "$part" google-cloud-cli-firestore-emulator ;;
      pubsub-emulator) sdk_component "$part" google-cloud-cli-pubsub-emulator ;;
    esac
  done
  missing=$(.venv/bin/python -m deploy.local.sdk) || { say "still missing: $missing"; exit 1; }
}

# Two make targets at once set up one after the other.
mkdir -p .local
if command -v flock >/dev/null; then
  exec 9>.local/setup.lock
  flock 9
fi
packages
emulators
