"""Settings of a network as members sign them: a change that a block carries, and a configuration that a record does.

Both hold names with values, as text, so that a version of this program that does not know a name still can keep it,
show it and pass it on; what the names mean and which values they have is core/params/settings'. Both are whole: a name
that is not there has the value that the network was founded with, or the node's own.

- A *change of settings* is what validity depends on. A coinbase carries it at least two blocks in front of the height
  from which it holds; its version is one above that of the change carried last, whose hash it names (zeros at first).
- A *configuration* is what validity does not depend on. It names the height whose list of members signed it, and the
  hash of the version its signers held; versions may be left out. Version 0 is the network file's, with no settings.

Body: version u32, height u32 (from which it holds, or whose list signed), previous hash, a count byte, and for each
setting, by ascending name: a length byte and the name (a-z, 0-9, _), a length u16 and the value (UTF-8 that can be
shown). Behind it stand the signatures (signatures.py). Integers are little-endian. Signed is tagged_hash(TAG, network
id, body), each of the two under a tag of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from string import ascii_lowercase, digits
from struct import Struct
from typing import ClassVar, Final, Self

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import SETTING_NAME_BYTES_MAX, SETTING_VALUE_BYTES_MAX, SETTINGS_BODY_BYTES_MAX
from minicoin.core.signers.signatures import (
    SIGNATURES_BYTES_MAX,
    Signatures,
    SignedBody,
    read_signatures,
)

SETTINGS_CHANGE_TAG: Final = "minicoin/settings-change"
CONFIGURATION_TAG: Final = "minicoin/configuration"
NONE_BEFORE: Final = bytes(32)
"""What the first of either names as the one before it."""
SETTINGS_BYTES_MAX: Final = SETTINGS_BODY_BYTES_MAX + SIGNATURES_BYTES_MAX
_HEAD: Final = Struct("<II32sB")
_LENGTH_BYTES: Final = 2
_LETTERS: Final = frozenset((ascii_lowercase + digits + "_").encode())

Settings = tuple[tuple[str, str], ...]
"""(name, value) by ascending name."""


@dataclass(frozen=True, slots=True)
class SettingsChange(SignedBody):
    """Made by `settings_change` or decoded."""

    TAG: ClassVar[str] = SETTINGS_CHANGE_TAG
    version: int
    from_height: int
    previous: bytes
    settings: Settings
    signatures: Signatures = ()

    def body(self) -> bytes:
        return _encode_body(self.version, self.from_height, self.previous, self.settings)

    def with_signatures(self, signatures: Signatures) -> Self:
        return replace(self, signatures=signatures)

    @classmethod
    def decode_body(cls, raw: bytes) -> "SettingsChange":
        """What body() gave, without signatures. Raises DecodeError."""
        return cls.decode(raw + bytes(1))

    @classmethod
    def decode(cls, raw: bytes) -> "SettingsChange":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        version, height, previous, settings, signatures = _decode(raw, "a change of settings")
        if not version:
            raise DecodeError("version 0 of the settings is the network file's")
        return cls(version, height, previous, settings, signatures)


@dataclass(frozen=True, slots=True)
class ConfigurationRecord(SignedBody):
    """Made by `configuration_record` or decoded."""

    TAG: ClassVar[str] = CONFIGURATION_TAG
    version: int
    height: int
    previous: bytes
    settings: Settings
    signatures: Signatures = ()

    def body(self) -> bytes:
        return _encode_body(self.version, self.height, self.previous, self.settings)

    def with_signatures(self, signatures: Signatures) -> Self:
        return replace(self, signatures=signatures)

    @classmethod
    def decode_body(cls, raw: bytes) -> "ConfigurationRecord":
        """What body() gave, without signatures. Raises DecodeError."""
        return cls.decode(raw + bytes(1))

    @classmethod
    def decode(cls, raw: bytes) -> "ConfigurationRecord":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        version, height, previous, settings, signatures = _decode(raw, "a configuration")
        if version and not height:
            raise DecodeError("a configuration is signed by the members of a height, and the genesis block has none")
        if not version and (height or previous != NONE_BEFORE or settings or signatures):
            raise DecodeError("version 0 of the configuration sets nothing, and nobody signs it")
        return cls(version, height, previous, settings, signatures)


def settings_change(
    version: int, from_height: int, previous: bytes, settings: Iterable[tuple[str, str]]
) -> SettingsChange:
    """An unsigned change to these settings, in whatever order they come. Raises MisuseError."""
    change = SettingsChange(version, from_height, previous, tuple(sorted(settings)))
    _check(change.settings)
    return change


def configuration_record(
    version: int, height: int, previous: bytes, settings: Iterable[tuple[str, str]]
) -> ConfigurationRecord:
    """An unsigned configuration of these settings, in whatever order they come. Raises MisuseError."""
    record = ConfigurationRecord(version, height, previous, tuple(sorted(settings)))
    _check(record.settings)
    return record


FIRST_CONFIGURATION: Final = ConfigurationRecord(0, 0, NONE_BEFORE, ())
"""Version 0: what every node has before its members have signed any."""


def _check(settings: Settings) -> None:
    """Whether they have a form that can be read back. Raises MisuseError."""
    for name, value in settings:
        raw = value.encode()
        if len(raw) > SETTING_VALUE_BYTES_MAX or not _can_be_shown(value):
            raise MisuseError(f"{name} has at most {SETTING_VALUE_BYTES_MAX} bytes, all of which can be shown")
    try:
        _decode(_encode_body(1, 1, NONE_BEFORE, settings) + bytes(1), "what is set")
    except DecodeError as error:
        raise MisuseError(str(error)) from error


def _can_be_shown(value: str) -> bool:
    return not value or value.isprintable()


def _encode_body(version: int, height: int, previous: bytes, settings: Settings) -> bytes:
    rows: list[bytes] = []
    for name, value in settings:
        raw = value.encode()
        rows += (bytes((len(name),)), name.encode("ascii"), len(raw).to_bytes(_LENGTH_BYTES, "little"), raw)
    return _HEAD.pack(version, height, previous, len(settings)) + b"".join(rows)


def _decode(raw: bytes, what: str) -> tuple[int, int, bytes, Settings, Signatures]:
    if len(raw) > SETTINGS_BYTES_MAX or len(raw) < _HEAD.size:
        raise DecodeError(f"{what} of {len(raw)} bytes")
    version, height, previous, count = _HEAD.unpack_from(raw)
    settings: list[tuple[str, str]] = []
    at = _HEAD.size
    for _ in range(count):
        name, at = _take(raw, at, 1, what)
        value, at = _take(raw, at, _LENGTH_BYTES, what)
        settings.append((_name(name), _value(value)))
    if at > SETTINGS_BODY_BYTES_MAX:
        raise DecodeError(f"{what} of {at} bytes, at most {SETTINGS_BODY_BYTES_MAX}")
    if any(low >= high for (low, _), (high, _) in pairwise(settings)):
        raise DecodeError(f"the settings of {what} stand in order, each once")
    return version, height, previous, tuple(settings), read_signatures(raw, at, what)


def _take(raw: bytes, at: int, length_bytes: int, what: str) -> tuple[bytes, int]:
    start = at + length_bytes
    end = start + int.from_bytes(raw[at:start], "little")
    if end > len(raw):
        raise DecodeError(f"{what} is truncated")
    return raw[start:end], end


def _name(raw: bytes) -> str:
    if not 1 <= len(raw) <= SETTING_NAME_BYTES_MAX or not all(letter in _LETTERS for letter in raw):
        raise DecodeError(f"a setting's name has 1 to {SETTING_NAME_BYTES_MAX} letters of a-z, 0-9 and _")
    return raw.decode("ascii")


def _value(raw: bytes) -> str:
    try:
        value = raw.decode()
    except UnicodeDecodeError as error:
        raise DecodeError("a setting's value is not UTF-8") from error
    if len(raw) > SETTING_VALUE_BYTES_MAX or not _can_be_shown(value):
        raise DecodeError(f"a setting's value has at most {SETTING_VALUE_BYTES_MAX} bytes, all of which can be shown")
    return value
