#!/bin/sh
# Builds the go-libp2p peer of the interoperability tests into .peers/go-libp2p; the versions are pinned by go.mod and go.sum.
set -eu
cd "$(dirname "$0")/../.."
target="$PWD/.peers/go-libp2p"
stamp=$(cat tests/interop/go/go.mod tests/interop/go/go.sum tests/interop/go/*.go | cksum)
[ "$(cat "$target/.stamp" 2>/dev/null)" = "$stamp" ] && [ -x "$target/peer" ] && exit 0
. tests/peers/tools.sh
go=$(find_go) || { echo "go-libp2p needs Go: its tests will skip" >&2; exit 1; }
mkdir -p "$target"
(cd tests/interop/go && "$go" build -mod=readonly -trimpath -buildvcs=false -o "$target/peer" .) || exit 1
echo "$stamp" > "$target/.stamp"
