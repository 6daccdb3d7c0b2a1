#!/bin/sh
# Finds or installs a browser for the tests that open reports: Debian's chromium, which Debian replaces by each security
# release, so the pin is a least version. A browser that is there already and new enough is used as it is.
# Where the package manager may not be used, it fails with the reason, and the tests skip.
set -u
CHROMIUM_MAJOR_LEAST=120

# The same names as in tests/system/browser.py.
major() {
    for name in chromium chromium-browser google-chrome; do
        found=$("$name" --version 2>/dev/null | sed -n 's/^[A-Za-z ]* \([0-9][0-9]*\)\..*/\1/p')
        [ -n "$found" ] && echo "$found" && return
    done
}

# Only a machine that exists for tests is changed with somebody else's rights.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif [ "${CI:-}" = true ]; then sudo -n "$@"; else return 1; fi
}

version=$(major)
if [ -z "$version" ]; then
    command -v apt-get >/dev/null 2>&1 || { echo "no browser, and no apt-get to install chromium with" >&2; exit 1; }
    as_root true 2>/dev/null || { echo "no browser, and only root may install one: apt-get install chromium" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    { as_root apt-get update && as_root apt-get install -y --no-install-recommends chromium; } >/dev/null 2>&1 \
        || { echo "apt-get cannot install chromium" >&2; exit 1; }
    version=$(major)
fi
[ "${version:-0}" -ge "$CHROMIUM_MAJOR_LEAST" ] \
    || { echo "the browser, version ${version:-unknown}, is older than $CHROMIUM_MAJOR_LEAST" >&2; exit 1; }
