#!/bin/sh
# Installs a Bitcoin Core node into .peers/core without touching the system: the package bitcoin-knots of Debian sid (a derivative
# of Core; stable Debian has none), with the libraries it names and their own libc, unpacked into a folder of its own.
# Sid moves: the version that is there is taken, 29 or later, and printed. Needs no root. Quick when it is there already.
set -eu
cd "$(dirname "$0")/../.."
. tests/peers/tools.sh
MAJOR_LEAST=29
TARGET="$PWD/.peers/core"
START="$TARGET/bitcoind"
[ -x "$START" ] && [ -f "$TARGET/version" ] && exit 0

stop() { echo "Bitcoin Core: $1" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || stop "only fetched for x86-64"
for program in apt-get dpkg-deb; do
    command -v "$program" >/dev/null 2>&1 || stop "no $program on this machine, and sid's package needs it"
done
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$KEYRING" ] || stop "no $KEYRING to check sid's signature with (apt-get install debian-archive-keyring)"

mirror=$(debian_mirror)

work="$TARGET/apt"
rm -rf "$TARGET"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/preferences" "$TARGET/root"
: >"$work/status" # Nothing counts as installed: every library comes along.
echo "deb [signed-by=$KEYRING] $mirror sid main" >"$work/sources.list"
apt_alone() {
    apt-get -qq -o APT::Architecture=amd64 -o APT::Sandbox::User=root \
        -o "Dir::State=$work" -o "Dir::State::status=$work/status" \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work" -o "Dir::Cache::archives=$work/archives" \
        -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- \
        -o "Dir::Etc::preferencesparts=$work/preferences" -o Debug::NoLocking=1 "$@"
}
apt_alone update >&2 || stop "the package lists of sid cannot be fetched from $mirror"
apt_alone install --yes --download-only --no-install-recommends bitcoin-knots >"$work/log" 2>&1 \
    || { tail -n 5 "$work/log" >&2; stop "bitcoin-knots cannot be fetched from $mirror"; }
for package in "$work"/archives/*.deb; do
    dpkg-deb --extract "$package" "$TARGET/root"
done

root="$TARGET/root"
rm -rf "$root/usr/share" "$root/var"
linker=$(find "$root" -name ld-linux-x86-64.so.2 | head -n 1)
program=$(find "$root" -path '*/bin/bitcoind' | head -n 1)
[ -n "$linker" ] && [ -n "$program" ] || stop "the packages hold no bitcoind"
libraries=$(find "$root" -type d -name x86_64-linux-gnu -path '*lib/*' -printf '$here/root/%P:')
cat >"$START" <<END
#!/bin/sh
here=\$(dirname "\$(realpath "\$0")")
exec "\$here${linker#"$TARGET"}" --library-path "${libraries%:}" "\$here${program#"$TARGET"}" "\$@"
END
chmod +x "$START"
version=$("$START" -version 2>/dev/null | sed -n '1s/.*v\([0-9][0-9.a-z]*\).*/\1/p')
case "${version%%.*}" in
    '' | *[!0-9]*) rm -rf "$TARGET"; stop "the bitcoind that was unpacked does not run" ;;
esac
[ "${version%%.*}" -ge "$MAJOR_LEAST" ] || { rm -rf "$TARGET"; stop "version $version is older than $MAJOR_LEAST"; }
rm -rf "$work"
echo "$version" >"$TARGET/version"
echo "Bitcoin Core peer: bitcoin-knots $version" >&2
