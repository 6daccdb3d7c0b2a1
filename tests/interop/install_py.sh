#!/bin/sh
# Installs py-libp2p for the interoperability tests into .peers/py-libp2p, an environment of its own; pinned by requirements.txt.
set -eu
cd "$(dirname "$0")/../.."
target="$PWD/.peers/py-libp2p"
stamp=$(cksum < tests/interop/py/requirements.txt)
[ "$(cat "$target/.stamp" 2>/dev/null)" = "$stamp" ] && exit 0
rm -rf "$target"
.venv/bin/python -m venv "$target"
"$target/bin/pip" install --quiet --quiet --disable-pip-version-check --only-binary fastecdsa --no-deps -r tests/interop/py/requirements.txt || exit 1
echo "$stamp" > "$target/.stamp"
