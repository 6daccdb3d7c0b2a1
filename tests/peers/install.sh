#!/bin/sh
# Installs the real programs the tests talk to, pinned, under .peers/. Quick when they are there already.
# What cannot be had is said on stderr and its tests skip with that reason; under CI=true they fail.
set -u
cd "$(dirname "$0")/../.."
mkdir -p .peers/bin
. tests/peers/tools.sh

BTCD=v0.25.0
if [ ! -f ".peers/bin/.btcd-$BTCD" ]; then
    go=$(find_go) && [ -n "$go" ] \
        && GOBIN="$PWD/.peers/bin" GOFLAGS=-mod=mod "$go" install "github.com/btcsuite/btcd@$BTCD" \
        && touch ".peers/bin/.btcd-$BTCD" \
        || echo "btcd $BTCD cannot be installed: its tests will skip" >&2
fi
sh tests/peers/core.sh || echo "no Bitcoin Core node: its tests will skip" >&2
sh tests/peers/etcd.sh || echo "no etcd: its tests will skip" >&2
sh tests/peers/consul.sh || echo "no Consul: its tests will skip" >&2
sh tests/peers/zookeeper.sh || echo "no ZooKeeper: its tests will skip" >&2
sh tests/peers/browser.sh || echo "no browser: the tests of reports will skip" >&2
for script in tests/interop/install_*.sh; do
    sh "$script" || echo "$script failed: its tests will skip" >&2
done
exit 0
