"""A member's signing key on disk: a file of the data directory, beside the node's identity and apart from it.

The public half stands in it as it is; the secret is sealed as a wallet's seed is, ChaCha20-Poly1305 under a key that
scrypt stretches from a passphrase, and bound to the public half. Laboratories may leave it open. With the key an empty
sign state is made, once: a key whose sign state is gone signs nothing by itself, for nobody knows what it signed.
While a member's key is rolled there are two, each with a sign state of its own.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coincurve import PrivateKey

from minicoin.app.build import STATE_FOLDER
from minicoin.app.invocation import ask_passphrase
from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.effects import StretchKey
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.units import RequestId
from minicoin.core.wallet.crypt import (
    NONCE_BYTES,
    SALT_BYTES,
    Protection,
    SealedSeed,
    Stretching,
    open_seed,
    seal_seed,
    stretch_key,
)
from minicoin.core.wallet.errors import WrongPassphrase
from minicoin.drivers.documents import DocumentStore

SIGNING_KEY_FILE: Final = "signing.key"
SIGNING_KEY_FILES: Final = (SIGNING_KEY_FILE, "signing-2.key")
"""The second is that of a key which is to follow the first, or the first to follow it."""
SIGNING_PASSPHRASE_VARIABLE: Final = "MINICOIN_SIGNING_PASSPHRASE"
_FORM: Final = "minicoin-signing-key-1"
_SECRET_BYTES: Final = 32
_OTHERS: Final = 0o077
_FILE_BYTES_MAX: Final = 4_096


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where one key of a data directory lies, and what it signed."""

    file: Path
    state_key: str
    """Of the document."""


def places(datadir: Path) -> tuple[KeyPlace, ...]:
    """Mostly one is taken; two while the member's key is rolled."""
    return tuple(
        KeyPlace(datadir / name, state_key) for name, state_key in zip(SIGNING_KEY_FILES, SIGN_STATE_KEYS, strict=True)
    )


def make_signing_key(datadir: Path, passphrase: str | None) -> bytes:
    """A new key and its empty sign state in the data directory; the public half. None leaves the secret open.

    Raises MisuseError where there is a key already, or what one signed.
    """
    if has_signing_key(datadir):
        taken = next(place for place in places(datadir) if place.file.exists())
        raise MisuseError(f"{taken.file} is a signing key already; a bank has one, in one place")
    return _make_at(places(datadir)[0], datadir, passphrase)


def add_signing_key(datadir: Path, passphrase: str | None) -> bytes:
    """The key that is to follow the one there, beside it. Raises MisuseError."""
    free = [place for place in places(datadir) if not place.file.exists()]
    if len(free) == len(SIGNING_KEY_FILES):
        raise MisuseError(f"{datadir} holds no signing key that another one could follow: see `consortium request`")
    if not free:
        raise MisuseError(f"{datadir} holds two signing keys: retire the one that signs no more (consortium retirekey)")
    return _make_at(free[0], datadir, passphrase)


def retire_signing_key(datadir: Path, member: bytes) -> Path:
    """Destroy one of two keys, and what is known of what it signed; which file it was. Where a signer holds the keys,
    what is known here alone. Raises MisuseError."""
    taken = [place for place in places(datadir) if _member_of(place, datadir) is not None]
    found = [place for place in taken if _member_of(place, datadir) == member]
    if not found:
        raise MisuseError(f"{datadir} does not hold the key {member.hex()}")
    if len(taken) == 1:
        raise MisuseError(f"{member.hex()} is the only key of {datadir}: make the one that follows it first")
    # The state first: a key without it signs nothing, and a state without its key keeps the node from starting.
    state = datadir / STATE_FOLDER / found[0].state_key
    state.unlink(missing_ok=True)
    if not found[0].file.exists():
        return state
    found[0].file.unlink()
    return found[0].file


def _member_of(place: KeyPlace, datadir: Path) -> bytes | None:
    """Whose key lies there, or did when it signed; None where nothing is."""
    if place.file.exists():
        return public_half(place.file)
    raw = DocumentStore(datadir / STATE_FOLDER).load(place.state_key)
    try:
        return None if raw is None else SignState.decode(raw).member
    except DecodeError as error:
        raise MisuseError(f"{datadir / STATE_FOLDER / place.state_key} is damaged: {error}") from error


def _make_at(place: KeyPlace, datadir: Path, passphrase: str | None) -> bytes:
    documents = DocumentStore(datadir / STATE_FOLDER)
    if _has_signed(documents.load(place.state_key)):
        raise MisuseError(
            f"{datadir / STATE_FOLDER / place.state_key} says what a key signed that is gone from here: "
            "put that key back, or choose another --datadir"
        )
    key = PrivateKey()
    member: bytes = key.public_key_xonly.format()
    text = json.dumps({"form": _FORM, "member": member.hex(), **_secret_fields(key, member, passphrase)}, indent=2)
    # The state first: without the key it means nothing, and a key without it abstains.
    documents.save(place.state_key, SignState(member).encode())
    _store(place.file, text + "\n")
    return member


def _has_signed(state: bytes | None) -> bool:
    if state is None:
        return False
    try:
        # One of height 0 is what a making left that was interrupted before its key.
        return SignState.decode(state).height > 0
    except DecodeError:
        return True


def has_signing_key(datadir: Path) -> bool:
    """Whether a data directory holds one; it is not read."""
    return any(place.file.exists() for place in places(datadir))


def load_signing_keys(datadir: Path) -> tuple[PrivateKey, ...]:
    """The data directory's keys, in the order of their places; asks for their passphrase, where they have one. Raises
    MisuseError that says what is wrong."""
    return tuple(read_signing_key(place.file) for place in places(datadir) if place.file.exists())


def load_signing_key(datadir: Path) -> PrivateKey | None:
    """The first of them, or None where there is none. Raises MisuseError."""
    return next((read_signing_key(place.file) for place in places(datadir) if place.file.exists()), None)


def public_half(path: Path) -> bytes:
    """Of the key of a file, which needs no passphrase. Raises MisuseError that says what is wrong."""
    return _member(_fields(path), path)


def read_signing_key(path: Path, given: str = "") -> PrivateKey:
    """The key of one file; asks for its passphrase, where it has one that is not given. Raises MisuseError that says
    what is wrong."""
    fields = _fields(path)
    member = _member(fields, path)
    if path.stat().st_mode & _OTHERS:
        raise MisuseError(f"{path} is open to other users: close it to them (chmod go= {path})")
    if "secret" in fields:
        secret = _octets(fields, "secret", path, _SECRET_BYTES)
    else:
        passphrase = given or ask_passphrase("Passphrase of the signing key", variable=SIGNING_PASSPHRASE_VARIABLE)
        if not passphrase:
            raise MisuseError(f"{path} takes a passphrase: set {SIGNING_PASSPHRASE_VARIABLE}, or start at a terminal")
        secret = _unseal(fields, member, passphrase, path)
    try:
        key = PrivateKey(secret)
    except ValueError as error:
        raise _damaged(path, "its secret is no key") from error
    if key.public_key_xonly.format() != member:
        raise _damaged(path, "its secret is not that of the member it names")
    return key


def _secret_fields(key: PrivateKey, member: bytes, passphrase: str | None) -> dict[str, str | int]:
    if passphrase is None:
        return {"secret": key.secret.hex()}
    stretching = Stretching(os.urandom(SALT_BYTES))
    protection = Protection(_stretch(passphrase, stretching), stretching, os.urandom(NONCE_BYTES))
    sealed = seal_seed(key.secret, protection, _context(member))
    return {
        "cipher": "chacha20-poly1305",
        "kdf": "scrypt",
        "salt": stretching.salt.hex(),
        "log2_n": stretching.log2_n,
        "r": stretching.r,
        "p": stretching.p,
        "nonce": sealed.nonce.hex(),
        "ciphertext": sealed.ciphertext.hex(),
    }


def _unseal(fields: dict[str, object], member: bytes, passphrase: str, path: Path) -> bytes:
    if (fields.get("cipher"), fields.get("kdf")) != ("chacha20-poly1305", "scrypt"):
        raise _damaged(path, "its encryption is not known here")
    stretching = Stretching(
        _octets(fields, "salt", path, SALT_BYTES), *(_number(fields, name, path) for name in ("log2_n", "r", "p"))
    )
    sealed = SealedSeed(stretching, _octets(fields, "nonce", path, NONCE_BYTES), _octets(fields, "ciphertext", path))
    try:
        stretched = _stretch(passphrase, stretching)
    except (ValueError, OverflowError, MemoryError) as error:
        raise _damaged(path, "its scrypt parameters are beyond what is possible") from error
    try:
        return open_seed(sealed, stretched, _context(member))
    except WrongPassphrase as error:
        raise MisuseError(f"the passphrase of {path} is wrong, or the file was changed") from error


def _stretch(passphrase: str, stretching: Stretching) -> bytes:
    return stretch_key(
        StretchKey(RequestId(0), passphrase.encode(), stretching.salt, stretching.log2_n, stretching.r, stretching.p)
    )


def _context(member: bytes) -> bytes:
    return _FORM.encode() + member


def _fields(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise _damaged(path, f"it has more than {_FILE_BYTES_MAX} bytes")
        fields = json.loads(path.read_bytes())
    except OSError as error:
        raise MisuseError(f"cannot read the signing key {path}: {error.strerror}") from error
    except ValueError as error:
        raise _damaged(path, "it is no JSON") from error
    if not isinstance(fields, dict) or fields.get("form") != _FORM:
        raise _damaged(path, f"its form is not {_FORM}")
    return fields


def _member(fields: dict[str, object], path: Path) -> bytes:
    return _octets(fields, "member", path, KEY_BYTES)


def _octets(fields: dict[str, object], name: str, path: Path, length: int | None = None) -> bytes:
    text = fields.get(name)
    try:
        octets = bytes.fromhex(text if isinstance(text, str) else "?")
    except ValueError:
        raise _damaged(path, f"{name} is not hexadecimal") from None
    if length is not None and len(octets) != length:
        raise _damaged(path, f"{name} has {len(octets)} bytes, not {length}")
    return octets


def _number(fields: dict[str, object], name: str, path: Path) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _damaged(path, f"{name} is no positive number")
    return value


def _damaged(path: Path, why: str) -> MisuseError:
    return MisuseError(f"{path} is no signing key: {why}; restore it from your backup, with no sign state but its last")


def _store(path: Path, text: str) -> None:
    """The file appears whole and readable by nobody else, or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
