#!/bin/sh
# Installs etcd into .peers/etcd without touching the system: the program of Debian's (or Ubuntu's) package etcd-server,
# from the mirror that this machine uses, unpacked into a folder of its own. Needs no root. Quick when it is there already.
set -eu
cd "$(dirname "$0")/../.."
MINOR_LEAST=4
TARGET="$PWD/.peers/etcd"
[ -x "$TARGET/etcd" ] && [ -f "$TARGET/version" ] && exit 0

stop() { echo "etcd: $1" >&2; exit 1; }

for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null 2>&1 || stop "no $program on this machine"
done
work="$TARGET/apt"
rm -rf "$TARGET"
mkdir -p "$work/lists/partial" "$work/archives/partial"
apt_alone() {
    apt-get -qq -o APT::Sandbox::User=root -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" \
        -o "Dir::Cache::archives=$work/archives" -o Debug::NoLocking=1 "$@"
}
apt_alone update >&2 || stop "the package lists cannot be fetched"
(cd "$work" && apt_alone download etcd-server) >&2 || stop "the package etcd-server cannot be fetched"
dpkg-deb --extract "$work"/etcd-server_*.deb "$work/root"
cp "$work/root/usr/bin/etcd" "$TARGET/etcd"
rm -rf "$work"
version=$("$TARGET/etcd" --version 2>/dev/null | sed -n 's/^etcd Version: //p')
case "$version" in
    3.*) ;;
    *) rm -rf "$TARGET"; stop "the etcd that was unpacked does not run, or is not of version 3" ;;
esac
minor=${version#3.}
[ "${minor%%.*}" -ge "$MINOR_LEAST" ] || { rm -rf "$TARGET"; stop "version $version is older than 3.$MINOR_LEAST"; }
echo "$version" >"$TARGET/version"
echo "etcd $version" >&2
