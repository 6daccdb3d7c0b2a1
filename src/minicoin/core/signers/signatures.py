"""The signatures of several members under one body: their form, and whether enough of a list stand behind it.

Behind a body stand a count byte and for each signature the member's key (x-only) and the signature (BIP340, with
auxiliary data of zeros), by ascending key, each key once: what is signed has one form of bytes.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Self

from coincurve import PrivateKey

from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.faults import DecodeError
from minicoin.core.limits import MEMBERS_MAX
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.votes import SIGNATURE_BYTES, verifies

Signatures = tuple[tuple[bytes, bytes], ...]
"""(key, signature) by ascending key."""

_ROW_BYTES: Final = KEY_BYTES + SIGNATURE_BYTES
SIGNATURES_BYTES_MAX: Final = 1 + MEMBERS_MAX * _ROW_BYTES


def encode_signatures(signatures: Signatures) -> bytes:
    """What stands behind a body."""
    return bytes((len(signatures),)) + b"".join(key + signature for key, signature in signatures)


def read_signatures(raw: bytes, at: int, what: str) -> Signatures:
    """What encode_signatures() gave, from a place to the end; no signature is looked at. Raises DecodeError."""
    if at >= len(raw) or len(raw) != at + 1 + raw[at] * _ROW_BYTES or raw[at] > MEMBERS_MAX:
        raise DecodeError(f"{what} has as many signatures as it says")
    places = range(at + 1, len(raw), _ROW_BYTES)
    found = tuple((raw[place : place + KEY_BYTES], raw[place + KEY_BYTES : place + _ROW_BYTES]) for place in places)
    signers = [key for key, _ in found]
    if signers != sorted(dict.fromkeys(signers)):
        raise DecodeError(f"the signers of {what} stand in order, each once")
    return found


def with_signature(signatures: Signatures, signer: bytes, signature: bytes) -> Signatures:
    """These and one more, which is not looked at, in its place; one of the same signer gives way."""
    return tuple(sorted({**dict(signatures), signer: signature}.items()))


def sign_digest(key: PrivateKey, digest: bytes) -> tuple[bytes, bytes]:
    """(the key's public half, its signature)."""
    return key.public_key_xonly.format(), key.sign_schnorr(digest, bytes(32))


def holding_signers(signatures: Signatures, digest: bytes, under: MemberList) -> tuple[bytes, ...]:
    """The members of a list whose signatures hold."""
    return tuple(key for key, signature in signatures if key in under and verifies(key, signature, digest))


def quorum_problem(signatures: Signatures, digest: bytes, under: MemberList) -> str | None:
    """Why no quorum of a list stands behind a digest; None where one does. Every signature must be a member's and hold:
    what is carried has one form."""
    good = holding_signers(signatures, digest, under)
    if len(good) != len(signatures):
        return "it carries a signature that is no member's, or does not hold"
    if len(good) < under.quorum:
        return f"{len(good)} members signed it, and the quorum is {under.quorum}"
    return None


class SignedBody(ABC):
    """What members sign: a body under a tag of its own, and their signatures behind it. A frozen dataclass derives
    from it that has `signatures`."""

    __slots__ = ()

    TAG: ClassVar[str]
    signatures: Signatures

    @abstractmethod
    def body(self) -> bytes:
        """What is signed, but for the network."""

    @abstractmethod
    def with_signatures(self, signatures: Signatures) -> Self:
        """The same body with these, which are not looked at."""

    @property
    def hash(self) -> bytes:
        """What its successor names; signatures are no part of it."""
        return tagged_hash(f"{self.TAG}-hash", self.body())

    def digest(self, network_id: bytes) -> bytes:
        """What a signature is made over."""
        return tagged_hash(self.TAG, network_id + self.body())

    def signed_by(self, key: PrivateKey, network_id: bytes) -> Self:
        """It with one more signature, or the same one again."""
        return self.with_signature(*sign_digest(key, self.digest(network_id)))

    def with_signature(self, signer: bytes, signature: bytes) -> Self:
        """It with this signature, which is not looked at, in its place."""
        return self.with_signatures(with_signature(self.signatures, signer, signature))

    def signers(self, under: MemberList, network_id: bytes) -> tuple[bytes, ...]:
        """The members of `under` whose signatures hold."""
        return holding_signers(self.signatures, self.digest(network_id), under)

    def problem(self, under: MemberList, network_id: bytes) -> str | None:
        """Why a quorum of `under` does not stand behind it; None where it does."""
        return quorum_problem(self.signatures, self.digest(network_id), under)

    def encode(self) -> bytes:
        return self.body() + encode_signatures(self.signatures)
