#!/bin/sh
# Installs one lock file into a virtual environment, making it if there is none:
#   install_packages.sh VENV LOCK [further options of pip install]
# Every file is checked against its hash, nothing is resolved and nothing is built: a package that
# has no wheel for this Python and platform ends the build. PYTHON: the interpreter to make it of.
set -eu

if [ "$#" -lt 2 ]; then
  echo "usage: install_packages.sh VENV LOCK [options of pip install]" >&2
  exit 2
fi
venv=$1
lock=$2
shift 2

if [ ! -x "$venv/bin/python" ]; then
  "${PYTHON:-python3.12}" -m venv "$venv"
fi
exec "$venv/bin/python" -m pip install --no-input --no-cache-dir --disable-pip-version-check \
  --no-deps --require-hashes --only-binary :all: -r "$lock" "$@"
