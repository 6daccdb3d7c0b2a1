"""Key expressions of descriptors: a public key, a private key (WIF) or an extended key with a path (BIP32, 380, 389).

Embit derives. What it is lax about is checked here: the checksum and the version of extended keys. Messages follow
Bitcoin Core's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Final

from coincurve import PrivateKey, PublicKey
from embit import bip32

from minicoin.core.crypto.hashing import hash160
from minicoin.core.encoding.base58 import decode_base58check
from minicoin.core.faults import DecodeError
from minicoin.core.limits import DESCRIPTOR_PATH_STEPS_MAX, DESCRIPTOR_PATHS_MAX
from minicoin.core.params.network import KeyFormat

HARDENED: Final = 1 << 31
_EXTENDED_BYTES: Final = 78
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+\Z")
_DIGITS: Final = re.compile(r"[0-9]{1,10}\Z")


class Context(StrEnum):
    """Where a key or a script stands: which forms of a key are allowed there."""

    TOP = "at the top level"
    P2SH = "in sh()"
    P2WPKH = "in wpkh()"
    P2WSH = "in wsh()"
    P2TR = "in tr()"

    @property
    def allows_uncompressed(self) -> bool:
        return self in (Context.TOP, Context.P2SH)


class Wildcard(IntEnum):
    """What a path ends in."""

    NONE = 0
    PLAIN = 1
    HARDENED = 2


@dataclass(frozen=True, slots=True)
class Origin:
    """The master key's fingerprint, and the path from it to the key."""

    fingerprint: bytes
    path: tuple[int, ...] = ()

    def text(self, mark: str) -> str:
        return f"[{self.fingerprint.hex()}{path_text(self.path, mark)}]"


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """One key, or with a wildcard one for each index.

    `public` is a serialised public key, or empty where `extended` (BIP32's text form of a public key) stands instead.
    """

    public: bytes = b""
    is_x_only: bool = False
    extended: str = ""
    path: tuple[int, ...] = ()
    wildcard: Wildcard = Wildcard.NONE
    origin: Origin | None = None
    mark: str = "h"
    """How hardened steps are written: h or an apostrophe, as in the text it came from."""
    fingerprint: bytes = b""
    """Of the extended key."""
    is_private: bool = False
    secret: bytes = field(default=b"", repr=False)
    stem: bip32.HDKey | None = field(default=None, repr=False, compare=False)
    """The extended key at the end of `path`, private where it can be; None where only the private key could tell."""

    @property
    def is_range(self) -> bool:
        return self.wildcard is not Wildcard.NONE

    @property
    def size(self) -> int:
        """Bytes of the serialised key."""
        return len(self.public) or 33

    def __str__(self) -> str:
        head = "" if self.origin is None else self.origin.text(self.mark)
        if not self.extended:
            return head + (self.public[1:] if self.is_x_only else self.public).hex()
        tail = {Wildcard.NONE: "", Wildcard.PLAIN: "/*", Wildcard.HARDENED: f"/*{self.mark}"}[self.wildcard]
        return f"{head}{self.extended}{path_text(self.path, self.mark)}{tail}"

    def at(self, index: int) -> "KeyExpression":
        """The single key of one index, with its origin. Raises DecodeError where only a private key could tell it."""
        if not self.extended:
            return replace(self, origin=self.origin or Origin(hash160(self.public)[:4]), mark="h")
        if self.stem is None or (self.wildcard is Wildcard.HARDENED and not self.is_private):
            raise DecodeError("Cannot derive script without private keys")
        key, steps = self.stem, self.path
        if self.is_range:
            step = index | HARDENED if self.wildcard is Wildcard.HARDENED else index
            key, steps = key.child(step), (*steps, step)
        known = self.origin or Origin(self.fingerprint)
        secret = bytes(key.secret) if self.is_private else b""
        public = bytes(key.get_public_key().sec()) if secret else bytes(key.sec())
        return KeyExpression(public, origin=Origin(known.fingerprint, known.path + steps), secret=secret)


def path_text(path: Sequence[int], mark: str = "h") -> str:
    """/0h/1 and so on."""
    return "".join(f"/{step & ~HARDENED}{mark if step & HARDENED else ''}" for step in path)


def decode_wif(text: str, form: KeyFormat) -> tuple[bytes, bool] | None:
    """(the private key, whether its public key is compressed), or None where the text is none of this network's."""
    try:
        payload = decode_base58check(text)
    except DecodeError:
        return None
    if payload[:1] != bytes((form.wif,)) or len(payload) not in (33, 34) or (len(payload) == 34 and payload[33] != 1):
        return None
    secret = payload[1:33]
    try:
        PrivateKey(secret)
    except ValueError:
        return None
    return secret, len(payload) == 34


def is_on_curve(public: bytes) -> bool:
    """Whether it is a public key, in either form."""
    if len(public) not in (33, 65):
        return False
    try:
        PublicKey(public)
    except ValueError:
        return False
    return True


def parse_key(text: str, context: Context, form: KeyFormat) -> list[KeyExpression]:
    """The key; several where its path branches (BIP389). Raises DecodeError."""
    parts = text.split("]")
    if len(parts) > 2:
        raise DecodeError("Multiple ']' characters found for a single pubkey")
    if len(parts) == 1:
        return _parse_inner(text, context, form, "h")
    if not parts[0].startswith("["):
        found = parts[0][:1] or "]"
        raise DecodeError(f"Key origin start '[ character expected but not found, got '{found}' instead")
    fingerprint, *steps = parts[0][1:].split("/")
    if len(fingerprint) != 8:
        raise DecodeError(f"Fingerprint is not 4 bytes ({len(fingerprint)} characters instead of 8 characters)")
    if not _HEX.match(fingerprint):
        raise DecodeError(f"Fingerprint '{fingerprint}' is not hex")
    paths, mark = _parse_path(steps, "h", can_branch=False)
    origin = Origin(bytes.fromhex(fingerprint), paths[0])
    return [replace(key, origin=origin) for key in _parse_inner(parts[1], context, form, mark)]


def _parse_inner(text: str, context: Context, form: KeyFormat, mark: str) -> list[KeyExpression]:
    name, *steps = text.split("/")
    if not name:
        raise DecodeError("No key provided")
    if name[0].isspace() or name[-1].isspace():
        raise DecodeError(f"Key '{name}' is invalid due to whitespace")
    if not steps:
        if _HEX.match(name):
            return [_parse_public(name, context, mark)]
        found = decode_wif(name, form)
        if found is not None:
            return [_from_secret(*found, context, mark)]
    return _parse_extended(name, steps, form, mark)


def _parse_public(text: str, context: Context, mark: str) -> KeyExpression:
    public = bytes.fromhex(text)
    if len(public) == 65 and public[0] in (6, 7):
        raise DecodeError("Hybrid public keys are not allowed")
    if is_on_curve(public):
        if len(public) == 65 and not context.allows_uncompressed:
            raise DecodeError("Uncompressed keys are not allowed")
        return KeyExpression(public, mark=mark)
    if len(public) == 32 and context is Context.P2TR and is_on_curve(b"\x02" + public):
        return KeyExpression(b"\x02" + public, is_x_only=True, mark=mark)
    raise DecodeError(f"Pubkey '{text}' is invalid")


def _from_secret(secret: bytes, is_compressed: bool, context: Context, mark: str) -> KeyExpression:
    if not is_compressed and not context.allows_uncompressed:
        raise DecodeError("Uncompressed keys are not allowed")
    public = bytes(PrivateKey(secret).public_key.format(compressed=is_compressed))
    return KeyExpression(public, is_x_only=context is Context.P2TR, mark=mark, is_private=True, secret=secret)


def _parse_extended(name: str, steps: list[str], form: KeyFormat, mark: str) -> list[KeyExpression]:
    private = _decode_extended(name, form.bip32_private)
    base = private.to_public(version=form.bip32_public) if private else _decode_extended(name, form.bip32_public)
    if base is None:
        raise DecodeError(f"key '{name}' is not valid")
    wildcard = Wildcard.NONE
    if steps and steps[-1] in ("*", "*'", "*h"):
        last = steps.pop()
        wildcard = Wildcard.PLAIN if last == "*" else Wildcard.HARDENED
        mark = mark if last == "*" else last[1]
    paths, mark = _parse_path(steps, mark, can_branch=True)
    return [
        KeyExpression(
            extended=str(base.to_base58()),
            path=path,
            wildcard=wildcard,
            mark=mark,
            fingerprint=bytes(base.my_fingerprint),
            is_private=private is not None,
            stem=_derive(private or base, path),
        )
        for path in paths
    ]


def _derive(key: bip32.HDKey, path: tuple[int, ...]) -> bip32.HDKey | None:
    if not key.is_private and any(step & HARDENED for step in path):
        return None
    return key.derive(list(path)) if path else key


def _decode_extended(text: str, version: bytes) -> bip32.HDKey | None:
    try:
        payload = decode_base58check(text)
        if len(payload) != _EXTENDED_BYTES or payload[:4] != version:
            return None
        return bip32.HDKey.parse(payload)
    except (DecodeError, ValueError, bip32.EmbitError):
        return None


def _parse_path(steps: Sequence[str], mark: str, *, can_branch: bool) -> tuple[list[tuple[int, ...]], str]:
    """(the path, or one for each branch; how hardened steps are written)."""
    if len(steps) > DESCRIPTOR_PATH_STEPS_MAX:
        raise DecodeError(f"a key path has at most {DESCRIPTOR_PATH_STEPS_MAX} steps, not {len(steps)}")
    plain: list[int] = []
    branches: list[int] = []
    branch_at = -1
    for step in steps:
        if not (len(step) > 1 and step.startswith("<") and step.endswith(">")):
            number, mark = _parse_step(step, mark)
            plain.append(number)
            continue
        if not can_branch:
            problem = f"Key path value '{step}' specifies multipath in a section where multipath is not allowed"
            raise DecodeError(problem)
        if branch_at >= 0:
            raise DecodeError("Multiple multipath key path specifiers found")
        choices = step[1:-1].split(";")
        if len(choices) < 2:
            raise DecodeError("Multipath key path specifiers must have at least two items")
        if len(choices) > DESCRIPTOR_PATHS_MAX:
            raise DecodeError(f"a key path branches into at most {DESCRIPTOR_PATHS_MAX}, not {len(choices)}")
        branch_at = len(plain)
        plain.append(0)
        for choice in choices:
            number, mark = _parse_step(choice, mark)
            if number in branches:
                raise DecodeError(f"Duplicated key path value {number} in multipath specifier")
            branches.append(number)
    if branch_at < 0:
        return [tuple(plain)], mark
    return [(*plain[:branch_at], branch, *plain[branch_at + 1 :]) for branch in branches], mark


def _parse_step(text: str, mark: str) -> tuple[int, str]:
    digits, hardened = text, 0
    if text.endswith(("'", "h")):
        digits, mark, hardened = text[:-1], text[-1], HARDENED
    if not _DIGITS.match(digits) or int(digits) > 0xFFFF_FFFF:
        raise DecodeError(f"Key path value '{digits}' is not a valid uint32")
    if int(digits) >= HARDENED:
        raise DecodeError(f"Key path value {int(digits)} is out of range")
    return int(digits) | hardened, mark
