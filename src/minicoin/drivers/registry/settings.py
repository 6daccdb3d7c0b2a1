"""Which registry, as operators write it, and what goes with it: `file:///FOLDER`, or servers of a kind and the place of
minicoin's keys there, `etcd://HOST:PORT[,HOST:PORT]/PREFIX`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.address import NodeAddress
from minicoin.drivers.registry.secret import NO_SECRET, PASSWORD, TOKEN, Secret, read_secret

_ETCD_PORT: Final = 2379
_ZOOKEEPER_PORT: Final = 2181
_CONSUL_PORT: Final = 8500
_CONSUL_TLS_PORT: Final = 8501
_ENDPOINTS_MAX: Final = 16
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._-]{1,64}){1,8}")
_PLACES: Final = "HOST:PORT[,HOST:PORT]/PREFIX"
_FORMS: Final = f"expected file:///FOLDER, etcd://{_PLACES}, or consul:// or zookeeper:// in the same way"


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
    password: Secret = NO_SECRET


class EtcdSettings(_Servers):
    """An etcd cluster."""

    __slots__ = ()


class ZooKeeperSettings(_Servers):
    """A ZooKeeper ensemble."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ConsulSettings:
    """Consul's agents or servers, and the prefix below which minicoin's keys stand."""

    endpoints: tuple[str, ...]
    """HOST:PORT each."""
    prefix: str
    tls: TlsFiles | None = None
    token: Secret = NO_SECRET


RegistrySettings = FileSettings | EtcdSettings | ZooKeeperSettings | ConsulSettings


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """What besides the place may be given."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    user: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None


def read_settings(text: str, access: RegistryAccess) -> RegistrySettings:
    """Raises MisuseError that names the option and says what it should be."""
    scheme, separator, rest = text.partition("://")
    match scheme if separator else "":
        case "file":
            return _read_file(text, rest, access)
        case "etcd":
            return _read_with_user(EtcdSettings, text, access, _ETCD_PORT)
        case "zookeeper":
            return _read_with_user(ZooKeeperSettings, text, access, _ZOOKEEPER_PORT)
        case "consul":
            return _read_consul(text, access)
        case _:
            raise MisuseError(f"registry: no registry {text!r}; {_FORMS}")


def _read_file(text: str, rest: str, access: RegistryAccess) -> FileSettings:
    if access != RegistryAccess():
        raise MisuseError("registry: a folder has no certificates, users or tokens; those options are of other kinds")
    if not rest.startswith("/") or rest == "/":
        raise MisuseError(f"registry: {text!r} names no folder by its whole path; expected file:///FOLDER")
    return FileSettings(Path(rest))


def _read_with_user(
    kind: type[EtcdSettings | ZooKeeperSettings], text: str, access: RegistryAccess, default_port: int
) -> EtcdSettings | ZooKeeperSettings:
    if access.token_file is not None:
        raise MisuseError("registry-token-file is Consul's; others take registry-user and registry-password-file")
    endpoints, prefix = _read_places(text, default_port)
    tls = _read_tls(access)
    if (access.user is None) != (access.password_file is None):
        raise MisuseError("registry-user and registry-password-file belong together: give both or neither")
    if access.user is None or access.password_file is None:
        return kind(endpoints, prefix, tls)
    _require_privacy("registry-user", PASSWORD, tls, endpoints)
    password = read_secret("registry-password-file", PASSWORD, access.password_file)
    return kind(endpoints, prefix, tls, access.user, password)


def _read_consul(text: str, access: RegistryAccess) -> ConsulSettings:
    if access.user is not None or access.password_file is not None:
        raise MisuseError(
            "registry-user and registry-password-file are of other kinds; for Consul: registry-token-file"
        )
    tls = _read_tls(access)
    endpoints, prefix = _read_places(text, _CONSUL_PORT if tls is None else _CONSUL_TLS_PORT)
    if access.token_file is None:
        return ConsulSettings(endpoints, prefix, tls)
    _require_privacy("registry-token-file", TOKEN, tls, endpoints)
    token = read_secret("registry-token-file", TOKEN, access.token_file)
    return ConsulSettings(endpoints, prefix, tls, token)


# --- what several kinds have ---


def _read_places(text: str, default_port: int) -> tuple[tuple[str, ...], str]:
    """The endpoints, and the prefix."""
    scheme, _, rest = text.partition("://")
    places, slash, path = rest.partition("/")
    prefix = (slash + path).rstrip("/")
    if "@" in places:
        raise MisuseError("registry: no user, password or token in the address, where others see it; use their options")
    if not _PREFIX.fullmatch(prefix) or not {".", ".."}.isdisjoint(prefix.split("/")):
        raise MisuseError(
            f"registry: {text!r} names no prefix of letters, digits, dots, hyphens and underscores; "
            f"expected {scheme}://{_PLACES}"
        )
    endpoints = tuple(dict.fromkeys(_endpoint(place, default_port) for place in places.split(",")))
    if len(endpoints) > _ENDPOINTS_MAX:
        raise MisuseError(f"registry: {len(endpoints)} endpoints are too many; at most {_ENDPOINTS_MAX}")
    return endpoints, prefix


def _endpoint(text: str, default_port: int) -> str:
    try:
        address = NodeAddress.parse(text, default_port)
    except DecodeError as error:
        raise MisuseError(f"registry: {error}") from error
    return str(address)


def _read_tls(access: RegistryAccess) -> TlsFiles | None:
    if (access.cert is None) != (access.key is None):
        raise MisuseError("registry-cert and registry-key belong together: give both or neither")
    if access.cert is not None and access.ca is None:
        raise MisuseError("registry-cert needs registry-ca: who signed the certificates of the servers")
    for name, path in (("ca", access.ca), ("cert", access.cert), ("key", access.key)):
        if path is not None and not path.is_file():
            raise MisuseError(f"registry-{name}: there is no file {path}")
    return None if access.ca is None else TlsFiles(access.ca, access.cert, access.key)


def _require_privacy(option: str, secret: str, tls: TlsFiles | None, endpoints: Sequence[str]) -> None:
    if tls is None and not all(map(_is_loopback, endpoints)):
        raise MisuseError(f"{option} needs registry-ca: without TLS anybody on the way could read the {secret}")


def _is_loopback(endpoint: str) -> bool:
    host = NodeAddress.parse(endpoint, 0).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
