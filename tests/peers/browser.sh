#!/bin/sh
# Installs a browser for the tests that open reports: Debian's chromium, which Debian replaces by each security release,
# so the pin is a least version. A browser that is there already and new enough is used as it is.
# Where the package manager may not be used, it fails with the reason, and the tests skip.
set -u
CHROMIUM_MAJOR_LEAST=120

major() {
    chromium --version 2>/dev/null | sed -n 's/^Chromium \([0-9]*\)\..*/\1/p'
}

found=$(major)
if [ -z "$found" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "no apt-get here to install chromium with" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || { echo "chromium is missing, and only root may install it: apt-get install chromium" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install -y --no-install-recommends chromium; } >/dev/null 2>&1 \
        || { echo "apt-get cannot install chromium" >&2; exit 1; }
    found=$(major)
fi
[ "${found:-0}" -ge "$CHROMIUM_MAJOR_LEAST" ] \
    || { echo "chromium ${found:-missing} is older than $CHROMIUM_MAJOR_LEAST" >&2; exit 1; }
