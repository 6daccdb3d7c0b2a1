"""What members write into a coinbase: the certificate of the parent, and at times a change of the member list, or of
the settings that validity depends on.

All stand in the output of the witness commitment, behind the commitment itself, where BIP141 leaves room (and where
signet has its solution): each as one push that begins with its tag's four bytes. The certificate comes first, then the
recoveries by which its members signed, where it is the first behind them, then the members' change, then the
settings'; nothing else may stand there, and each push has its shortest form, so that what is said has one form of
bytes.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.block_rules import COMMITMENT_SIZE, commitment_index
from minicoin.core.encoding.compact import decode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import RECOVERIES_PER_HEIGHT_MAX
from minicoin.core.primitives.block import HEADER_SIZE, RawBlock
from minicoin.core.primitives.transaction import Transaction, parse_transaction
from minicoin.core.script.pushes import operations, push
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.recovery import Recovery
from minicoin.core.signers.settings import SettingsChange

# The first four bytes of the SHA-256 of "minicoin/certificate", "minicoin/recovery", "minicoin/member-change" and
# "minicoin/settings-change".
CERTIFICATE_TAG: Final = bytes.fromhex("b46897d2")
RECOVERY_TAG: Final = bytes.fromhex("39f9c45f")
CHANGE_TAG: Final = bytes.fromhex("250c5582")
SETTINGS_TAG: Final = bytes.fromhex("ba1dcc28")
_TAG_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class CoinbaseTags:
    """What one coinbase says."""

    certificate: Certificate | None = None
    change: MemberChange | None = None
    settings: SettingsChange | None = None
    recoveries: tuple[Recovery, ...] = ()

    def encode(self) -> bytes:
        """The script behind the commitment."""
        certificate = b"" if self.certificate is None else push(CERTIFICATE_TAG + self.certificate.encode())
        recoveries = b"".join(push(RECOVERY_TAG + one.encode()) for one in self.recoveries)
        return certificate + recoveries + b"".join(map(push, self.changes()))

    def changes(self) -> tuple[bytes, ...]:
        """What holds from a later height on, each with its tag."""
        change = () if self.change is None else (CHANGE_TAG + self.change.encode(),)
        return change if self.settings is None else (*change, SETTINGS_TAG + self.settings.encode())

    @classmethod
    def decode(cls, script: bytes) -> "CoinbaseTags":
        """What encode() gave; no signature is looked at. Raises DecodeError."""
        certificate: Certificate | None = None
        change: MemberChange | None = None
        settings: SettingsChange | None = None
        recoveries: list[Recovery] = []
        for operation in operations(script):
            tag, payload = operation.pushed[:_TAG_BYTES], operation.pushed[_TAG_BYTES:]
            if tag == CERTIFICATE_TAG:
                certificate = Certificate.decode(payload)
            elif tag == RECOVERY_TAG:
                recoveries.append(Recovery.decode(payload))
            elif tag == CHANGE_TAG:
                change = MemberChange.decode(payload)
            elif tag == SETTINGS_TAG:
                settings = SettingsChange.decode(payload)
            else:
                raise DecodeError("what stands behind the witness commitment is neither certificate nor change")
            if len(recoveries) > RECOVERIES_PER_HEIGHT_MAX:
                raise DecodeError(f"more than {RECOVERIES_PER_HEIGHT_MAX} recoveries of one height")
        tags = cls(certificate, change, settings, tuple(recoveries))
        if tags.encode() != script:
            raise DecodeError(
                "certificate and changes stand behind the witness commitment once, in order, pushed shortly"
            )
        return tags


def carried_certificate(block: RawBlock) -> Certificate | None:
    """The certificate of its parent that a block carries, where it carries one; of the block no more is looked at."""
    try:
        _, at = decode_compact(block.raw, HEADER_SIZE)
        coinbase, _ = parse_transaction(block.raw, at)
        return read_tags(coinbase).certificate
    except DecodeError:
        return None


def read_tags(coinbase: Transaction) -> CoinbaseTags:
    """What a coinbase says; nothing without a commitment. Raises DecodeError."""
    index = commitment_index(coinbase)
    if index is None:
        return CoinbaseTags()
    return CoinbaseTags.decode(coinbase.outputs[index].script_pubkey[COMMITMENT_SIZE:])


def decode_change(raw: bytes) -> MemberChange | SettingsChange:
    """One of those that `CoinbaseTags.changes` gave. Raises DecodeError."""
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if tag == CHANGE_TAG:
        return MemberChange.decode(payload)
    if tag == SETTINGS_TAG:
        return SettingsChange.decode(payload)
    raise DecodeError(f"nothing that a block changes has the tag {tag.hex()}")
