"""Which registry, as operators write it, and what goes with it: `file:///FOLDER`, or servers of a kind and the place of
minicoin's keys there, `etcd://HOST:PORT[,HOST:PORT]/PREFIX`."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.address import NodeAddress

_PORTS: Final = {"etcd": 2379, "zookeeper": 2181}
_ENDPOINTS_MAX: Final = 16
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._-]{1,64}){1,8}")
_PASSWORD_BYTES_MAX: Final = 4_096
_FORMS: Final = "expected file:///FOLDER, etcd://HOST:PORT[,HOST:PORT]/PREFIX or zookeeper:// in the same way"


@dataclass(frozen=True, slots=True)
class FileSettings:
    """A folder that all members see."""

    folder: Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM each: who signs the servers' certificates, and our own certificate with its key."""

    ca: Path
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class _Servers:
    """Of one cluster, the prefix below which minicoin's keys stand, and who we are there."""

    endpoints: tuple[str, ...]
    """HOST:PORT each."""
    prefix: str
    tls: TlsFiles | None = None
    user: str = ""
    password: str = field(default="", repr=False)


class EtcdSettings(_Servers):
    """An etcd cluster."""

    __slots__ = ()


class ZooKeeperSettings(_Servers):
    """A ZooKeeper ensemble."""

    __slots__ = ()


RegistrySettings = FileSettings | EtcdSettings | ZooKeeperSettings


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """What besides the place may be given."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None


def read_settings(text: str, access: RegistryAccess) -> RegistrySettings:
    """Raises MisuseError that names the option and says what it should be."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("file", *_PORTS):
        raise MisuseError(f"registry: no registry {text!r}; {_FORMS}")
    if scheme == "file":
        if access != RegistryAccess():
            raise MisuseError(
                "registry: a folder has no certificates, users or passwords; those options are for servers"
            )
        if not rest.startswith("/") or rest == "/":
            raise MisuseError(f"registry: {text!r} names no folder by its whole path; expected file:///FOLDER")
        return FileSettings(Path(rest))
    return _read_servers(text, access)


def _read_servers(text: str, access: RegistryAccess) -> EtcdSettings | ZooKeeperSettings:
    scheme, _, rest = text.partition("://")
    places, slash, path = rest.partition("/")
    prefix = (slash + path).rstrip("/")
    if "@" in places:
        raise MisuseError("registry: no user or password in the address, where others see it; use registry-user")
    if not _PREFIX.fullmatch(prefix) or not {".", ".."}.isdisjoint(prefix.split("/")):
        raise MisuseError(
            f"registry: {text!r} names no prefix of letters, digits, dots, hyphens and underscores; "
            f"expected {scheme}://HOST:PORT[,HOST:PORT]/PREFIX"
        )
    endpoints = tuple(dict.fromkeys(_endpoint(place, _PORTS[scheme]) for place in places.split(",")))
    if len(endpoints) > _ENDPOINTS_MAX:
        raise MisuseError(f"registry: {len(endpoints)} endpoints are too many; at most {_ENDPOINTS_MAX}")
    if (access.cert is None) != (access.key is None):
        raise MisuseError("registry-cert and registry-key belong together: give both or neither")
    if access.cert is not None and access.ca is None:
        raise MisuseError("registry-cert needs registry-ca: who signed the certificates of the servers")
    for name, path_given in (("ca", access.ca), ("cert", access.cert), ("key", access.key)):
        if path_given is not None and not path_given.is_file():
            raise MisuseError(f"registry-{name}: there is no file {path_given}")
    if (access.user is None) != (access.password_file is None):
        raise MisuseError("registry-user and registry-password-file belong together: give both or neither")
    if access.user is not None and access.ca is None and not all(map(_is_loopback, endpoints)):
        raise MisuseError("registry-user needs registry-ca: without TLS anybody on the way could read the password")
    password = "" if access.password_file is None else _read_password(access.password_file)
    tls = None if access.ca is None else TlsFiles(access.ca, access.cert, access.key)
    kind = EtcdSettings if scheme == "etcd" else ZooKeeperSettings
    return kind(endpoints, prefix, tls, access.user or "", password)


def _endpoint(text: str, default_port: int) -> str:
    try:
        address = NodeAddress.parse(text, default_port)
    except DecodeError as error:
        raise MisuseError(f"registry: {error}") from error
    return str(address)


def _is_loopback(endpoint: str) -> bool:
    host = NodeAddress.parse(endpoint, 0).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_password(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_PASSWORD_BYTES_MAX + 1)
        password = raw.decode().strip("\r\n")
    except OSError as error:
        raise MisuseError(f"registry-password-file: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MisuseError(f"registry-password-file: {path} is no text") from error
    if not password or len(raw) > _PASSWORD_BYTES_MAX or "\n" in password:
        raise MisuseError(f"registry-password-file: {path} must hold the password and nothing else, on one line")
    return password
