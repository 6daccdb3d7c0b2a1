"""Which keys a running node could hold besides those it has: what its data directory, or its signer, has more by now.

So a member's key is rolled without a restart: the new key is made beside the old one, and the node is told to look.
"""

from collections.abc import Collection
from pathlib import Path

from minicoin.app.build import STATE_FOLDER
from minicoin.app.signing_key import places, public_half, read_signing_key
from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.signer.link import SignerLink


class MoreKeys:
    """Of one node."""

    def __init__(self, datadir: Path, signer: VoteSigner | SignerLink | None) -> None:
        self._datadir = datadir
        self._signer = signer

    def find(self, held: Collection[bytes], passphrase: str) -> tuple[tuple[bytes, bytes | None], ...]:
        """Those that are not `held`, with their records; it can sign with them from now on. May take a second.
        Raises MisuseError that says why there is none."""
        match self._signer:
            case None:
                raise MisuseError("this node signs for no member: start it with the key that it is to sign with")
            case SignerLink() as link:
                found = [key for key in _ask(link) if key not in held]
            case VoteSigner() as signer:
                found = self._read(signer, held, passphrase)
        if not found:
            raise MisuseError("there is no signing key that the node does not hold: make one (consortium newkey)")
        return tuple((member, self._record(member)) for member in found)

    def _read(self, signer: VoteSigner, held: Collection[bytes], passphrase: str) -> list[bytes]:
        found: list[bytes] = []
        for place in places(self._datadir):
            if place.file.exists() and public_half(place.file) not in held:
                key = read_signing_key(place.file, passphrase)
                signer.add(key)
                found.append(key.public_key_xonly.format())
        return found

    def _record(self, member: bytes) -> bytes | None:
        documents = DocumentStore(self._datadir / STATE_FOLDER)
        for name in SIGN_STATE_KEYS:
            raw = documents.load(name)
            try:
                if raw is not None and SignState.decode(raw).member == member:
                    return raw
            except DecodeError as error:
                raise MisuseError(f"{self._datadir / STATE_FOLDER / name} is damaged: {error}") from error
        return None


def _ask(link: SignerLink) -> tuple[bytes, ...]:
    # A connection of its own: the other one is the signing thread's.
    again = link.another()
    away = again.find()
    again.close()
    if away:
        raise MisuseError(away)
    return again.members
