"""The node's libp2p identity on disk: a PrivateKey message readable by nobody else, made once and kept."""

import os
from pathlib import Path

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity

IDENTITY_FILE = "identity.key"
_SEED_BYTES = 32


def load_identity(datadir: Path) -> Identity:
    """The identity of a data directory, made at the first call. Raises MisuseError for a file that cannot be read."""
    path = datadir / IDENTITY_FILE
    if path.exists():
        return read_identity(path)
    identity = Identity.from_seed(os.urandom(_SEED_BYTES))
    _store(path, identity)
    return identity


def known_identity(datadir: Path) -> Identity:
    """The identity of a data directory. Raises MisuseError where it has none yet."""
    path = datadir / IDENTITY_FILE
    if not path.exists():
        raise MisuseError(f"{datadir} has no identity yet: it is made at the first start")
    return read_identity(path)


def adopt_identity(datadir: Path, identity: Identity) -> None:
    """Make `identity` the one of a data directory that has none yet. Raises MisuseError where it has another."""
    path = datadir / IDENTITY_FILE
    if not path.exists():
        _store(path, identity)
        return
    known = read_identity(path)
    if known.peer_id != identity.peer_id:
        raise MisuseError(
            f"{path} holds the identity {known.peer_id}; move it away to become {identity.peer_id} from now on"
        )


def _store(path: Path, identity: Identity) -> None:
    """The key file appears whole and readable by nobody else, or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(identity.private_message)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_identity(path: Path) -> Identity:
    """A key file of ours, of go-libp2p or of js-libp2p. Raises MisuseError that says what is wrong."""
    try:
        return Identity.read_key_file(path.read_bytes())
    except OSError as error:
        raise MisuseError(f"cannot read the identity {path}: {error.strerror}") from error
    except DecodeError as error:
        raise MisuseError(f"{path} is no identity file: {error}") from error
