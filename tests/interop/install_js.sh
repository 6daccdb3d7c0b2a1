#!/bin/sh
# Installs js-libp2p for the interoperability tests into .peers/js-libp2p; the versions are pinned by package-lock.json.
set -eu
cd "$(dirname "$0")/../.."
target="$PWD/.peers/js-libp2p"
stamp=$(cat tests/interop/js/package.json tests/interop/js/package-lock.json | cksum)
. tests/peers/tools.sh
folder=$(find_node_folder) || { echo "js-libp2p needs Node 20 or newer: its tests will skip" >&2; exit 1; }
PATH="$folder:$PATH"
export PATH
if [ "$(cat "$target/.stamp" 2>/dev/null)" != "$stamp" ]; then
    mkdir -p "$target"
    rm -f "$target/.stamp"
    cp tests/interop/js/package.json tests/interop/js/package-lock.json "$target/"
    (cd "$target" && npm ci --ignore-scripts --no-audit --no-fund --silent) || exit 1
    echo "$stamp" > "$target/.stamp"
fi
# Node looks for packages beside the program, so the programs stand beside them.
cp tests/interop/js/*.mjs "$target/"
# The tests run this very node, whatever their own PATH holds.
ln -sf "$folder/node" "$target/node"
