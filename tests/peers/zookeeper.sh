#!/bin/sh
# Installs ZooKeeper into .peers/zookeeper without touching the system: the jars of Debian's (or Ubuntu's) packages, whose
# checksums apt compares, from the mirror that this machine uses, and a Java runtime where the machine has none. Needs no root.
# Quick when it is there already.
set -eu
cd "$(dirname "$0")/../.."
MINOR_LEAST=8
TARGET="$PWD/.peers/zookeeper"
[ -x "$TARGET/zookeeper" ] && [ -f "$TARGET/version" ] && exit 0

stop() { rm -rf "$TARGET"; echo "ZooKeeper: $1" >&2; exit 1; }

for program in apt-get apt-cache dpkg-deb; do
    command -v "$program" >/dev/null 2>&1 || stop "no $program on this machine"
done
work="$TARGET/apt"
rm -rf "$TARGET"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$TARGET/jars"
where="-o Dir::State::lists=$work/lists -o Dir::Cache=$work -o Dir::Cache::archives=$work/archives"
apt_alone() { apt-get -qq -o APT::Sandbox::User=root $where -o Debug::NoLocking=1 "$@"; }
fetch() { # FOLDER PACKAGE...
    folder="$1"
    shift
    mkdir -p "$work/$folder"
    (cd "$work/$folder" && apt_alone download "$@") >&2 || stop "the packages $* cannot be fetched"
    for package in "$work/$folder"/*.deb; do
        dpkg-deb --extract "$package" "$work/$folder/root"
    done
}
apt_alone update >&2 || stop "the package lists cannot be fetched"

fetch server libzookeeper-java libnetty-java libslf4j-java libcommons-io-java libdropwizard-metrics-java libsnappy-java
for name in zookeeper zookeeper-jute netty-buffer netty-codec netty-common netty-handler netty-resolver netty-transport \
    netty-transport-native-epoll netty-transport-native-unix-common slf4j-api slf4j-simple commons-io metrics-core snappy-java; do
    jar="$work/server/root/usr/share/java/$name.jar"
    [ ! -f "$jar" ] || cp "$jar" "$TARGET/jars/"
done

java=$(command -v java || true)
place='$(dirname "$(realpath "$0")")'
if [ -z "$java" ]; then
    # A runtime without windows; what its package leaves in /etc is looked for there, and has to be found here.
    runtime=$(apt-cache $where depends default-jre-headless | sed -n 's/^ *Depends: \(openjdk-.*\)/\1/p' | head -n 1)
    [ -n "$runtime" ] || stop "no Java on this machine, and no package of a runtime"
    fetch runtime "$runtime"
    mv "$work/runtime/root" "$TARGET/runtime"
    find "$TARGET/runtime" -type l | while read -r link; do
        to=$(readlink "$link")
        case "$to" in /etc/*) ln -sfr "$TARGET/runtime$to" "$link" ;; esac
    done
    java=$(find "$TARGET/runtime" -path '*/bin/java' | head -n 1)
    java="\$here${java#"$TARGET"}"
fi
rm -rf "$work"

cat >"$TARGET/zookeeper" <<END
#!/bin/sh
# zookeeper CLASS WORD...: a small heap, and little time spent on making it fast.
here=$place
exec "$java" -Xmx64m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \\
    -cp "\$here/jars/*" "\$@"
END
chmod +x "$TARGET/zookeeper"
version=$("$TARGET/zookeeper" org.apache.zookeeper.version.VersionInfoMain 2>/dev/null \
    | sed -n 's/^Apache ZooKeeper, version \([0-9.]*\).*/\1/p')
case "$version" in
    3.*) ;;
    *) stop "what was unpacked does not run, or is not of version 3" ;;
esac
minor=${version#3.}
[ "${minor%%.*}" -ge "$MINOR_LEAST" ] || stop "version $version is older than 3.$MINOR_LEAST"
echo "$version" >"$TARGET/version"
echo "ZooKeeper $version" >&2
