#!/bin/sh
# Installs Consul into .peers/consul without touching the system: the program of Debian bullseye's package, of this version and
# with this checksum (later Debians have none), unpacked into a folder of its own. Needs no root. Quick when it is there already.
set -eu
cd "$(dirname "$0")/../.."
. tests/peers/tools.sh
VERSION=1.8.7
PACKAGE=pool/main/c/consul/consul_1.8.7%2bdfsg1-2%2bb3_amd64.deb
SHA256=e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9
TARGET="$PWD/.peers/consul"
[ -x "$TARGET/consul" ] && [ "$(cat "$TARGET/version" 2>/dev/null)" = "$VERSION" ] && exit 0

stop() { rm -rf "$TARGET"; echo "Consul: $1" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || stop "only fetched for x86-64"
command -v dpkg-deb >/dev/null 2>&1 && [ -x "$APT_HELPER" ] || stop "no dpkg-deb or apt on this machine"
rm -rf "$TARGET"
mkdir -p "$TARGET/work"
deb="$TARGET/work/consul.deb"
# Where a release is no longer kept on the mirrors it is in the archive.
for place in "$(debian_mirror)" http://deb.debian.org/debian/ http://archive.debian.org/debian/; do
    "$APT_HELPER" -o APT::Sandbox::User=root download-file "$place$PACKAGE" "$deb" "SHA256:$SHA256" >&2 && break
    rm -f "$deb"
done
[ -f "$deb" ] || stop "its package cannot be fetched"
dpkg-deb --extract "$deb" "$TARGET/work/root"
cp "$TARGET/work/root/usr/bin/consul" "$TARGET/consul"
rm -rf "$TARGET/work"
"$TARGET/consul" version | grep -qx "Consul v$VERSION" || stop "the program that was unpacked does not run, or is another version"
echo "$VERSION" >"$TARGET/version"
echo "Consul $VERSION" >&2
