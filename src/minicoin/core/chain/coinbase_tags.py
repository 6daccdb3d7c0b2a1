"""What members write into a coinbase: the certificate of the parent, and at times a change of the member list.

Both stand in the output of the witness commitment, behind the commitment itself, where BIP141 leaves room (and where
signet has its solution): each as one push that begins with its tag's four bytes. The certificate comes first, then the
change; nothing else may stand there, and each push has its shortest form, so that what is said has one form of bytes.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.block_rules import COMMITMENT_SIZE, commitment_index
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.script.pushes import operations, push
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.changes import MemberChange

# The first four bytes of the SHA-256 of "minicoin/certificate" and of "minicoin/member-change".
CERTIFICATE_TAG: Final = bytes.fromhex("b46897d2")
CHANGE_TAG: Final = bytes.fromhex("250c5582")


@dataclass(frozen=True, slots=True)
class CoinbaseTags:
    """What one coinbase says."""

    certificate: Certificate | None = None
    change: MemberChange | None = None

    def encode(self) -> bytes:
        """The script behind the commitment."""
        certificate = b"" if self.certificate is None else push(CERTIFICATE_TAG + self.certificate.encode())
        return certificate + (b"" if self.change is None else push(CHANGE_TAG + self.change.encode()))

    @classmethod
    def decode(cls, script: bytes) -> "CoinbaseTags":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        certificate: Certificate | None = None
        change: MemberChange | None = None
        for operation in operations(script):
            tag, payload = operation.pushed[:4], operation.pushed[4:]
            if tag == CERTIFICATE_TAG:
                certificate = Certificate.decode(payload)
            elif tag == CHANGE_TAG:
                change = MemberChange.decode(payload)
            else:
                raise DecodeError("what stands behind the witness commitment is neither certificate nor change")
        tags = cls(certificate, change)
        if tags.encode() != script:
            raise DecodeError(
                "certificate and change stand behind the witness commitment once, in order, pushed shortly"
            )
        return tags


def read_tags(coinbase: Transaction) -> CoinbaseTags:
    """What a coinbase says; nothing without a commitment. Raises DecodeError."""
    index = commitment_index(coinbase)
    if index is None:
        return CoinbaseTags()
    return CoinbaseTags.decode(coinbase.outputs[index].script_pubkey[COMMITMENT_SIZE:])
