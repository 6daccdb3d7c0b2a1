"""`sheaders`: headers as they travel where members sign the blocks, each with the certificate that makes it final.

It takes the place of `headers` there, in answers to getheaders and in announcements. With an item comes the member list
of the next height where it is another than that of the item's own: its hash is in the certificate, so that nobody can
leave a change out or make one up. With the first two items behind a recovery it comes too: a reader whose configuration
does not name it learns which one it lacks, and one that names it has it. Whoever has the founding list and one message
after the other has verified the chain, without a block.

How long a message may be is a matter of time. Each signature costs its reader some 60 us (BIP340, measured on a core of
2.5 GHz), and the loop stands still meanwhile: so signatures are counted, not headers. SHEADERS_SIGNATURES_MAX of them
take 12 ms, and a message of 50 headers 17 with all there is to do for it. As the number of headers in a full message
differs, it says whether its sender has more.
"""

from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import MEMBERS_MAX, RECOVERIES_PER_HEIGHT_MAX, SHEADERS_SIGNATURES_MAX
from minicoin.core.primitives.block import HEADER_SIZE, BlockHeader
from minicoin.core.signers.certificate import CERTIFICATE_BYTES_MAX, Certificate
from minicoin.core.signers.members import KEY_BYTES, MemberList
from minicoin.core.signers.recovery import RECOVERY_BYTES_MAX, Recovery
from minicoin.core.signers.votes import SIGNATURE_BYTES
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.core.wire.reader import Reader

_NO_LIST: Final = bytes(2)
"""A list of no members, which there is not, says that the next height's is the same."""
_LIST_BYTES_MAX: Final = len(_NO_LIST) + MEMBERS_MAX * KEY_BYTES
_CERTIFICATE_BYTES_MIN: Final = CERTIFICATE_BYTES_MAX - MEMBERS_MAX * SIGNATURE_BYTES - (MEMBERS_MAX + 7) // 8
"""All of one but its bitmap and its signatures."""
_ITEM_BYTES_MIN: Final = HEADER_SIZE + 1 + _CERTIFICATE_BYTES_MIN + len(_NO_LIST)
_RECOVERIES: Final = b"\xff\xff"
"""In the place of a list: recoveries come first, a count byte and each with its length."""
_RECOVERIES_BYTES_MAX: Final = 3 + RECOVERIES_PER_HEIGHT_MAX * (3 + RECOVERY_BYTES_MAX)
_ITEM_BYTES_MAX: Final = HEADER_SIZE + 3 + CERTIFICATE_BYTES_MAX - MEMBERS_MAX * SIGNATURE_BYTES + _LIST_BYTES_MAX
"""But for its signatures, which are counted over all items, and recoveries."""
RECOVERED_ITEMS_MAX: Final = 4
"""Items of a message with recoveries: of a chain that needs more the next message brings them."""


@dataclass(frozen=True, slots=True)
class CertifiedHeader:
    """`next_members` only where the list of the next height differs from that of this one."""

    header: BlockHeader
    certificate: Certificate
    next_members: MemberList | None = None
    recoveries: tuple[Recovery, ...] = ()


@dataclass(frozen=True, slots=True)
class CertifiedHeaders(ExtensionMessage):
    """The lowest first, each the parent of the next one; `has_more` where its sender has others behind them."""

    items: tuple[CertifiedHeader, ...]
    has_more: bool = False

    command = "sheaders"
    version = 1
    payload_bytes_max = (
        1
        + 3
        + SHEADERS_SIGNATURES_MAX * (_ITEM_BYTES_MAX + SIGNATURE_BYTES)
        + RECOVERED_ITEMS_MAX * _RECOVERIES_BYTES_MAX
    )

    @property
    def headers(self) -> tuple[BlockHeader, ...]:
        return tuple(item.header for item in self.items)

    def encode(self) -> bytes:
        return bytes((self.has_more,)) + encode_compact(len(self.items)) + b"".join(map(_encode, self.items))

    @classmethod
    def decode(cls, payload: bytes) -> "CertifiedHeaders":
        reader = Reader(payload, cls.command)
        flag = reader.take(1)[0]
        items: list[CertifiedHeader] = []
        signatures = 0
        for _ in range(reader.count(_ITEM_BYTES_MIN, SHEADERS_SIGNATURES_MAX)):
            items.append(_read(reader))
            signatures += len(items[-1].certificate.signatures)
        reader.end()
        if sum(bool(item.recoveries) for item in items) > RECOVERED_ITEMS_MAX:
            raise DecodeError(f"sheaders with more than {RECOVERED_ITEMS_MAX} recoveries")
        if signatures > SHEADERS_SIGNATURES_MAX:
            raise DecodeError(f"sheaders of {signatures} signatures, at most {SHEADERS_SIGNATURES_MAX} allowed")
        if flag > 1 or (flag and not items):
            raise DecodeError("sheaders without headers, and with more to come")
        return cls(tuple(items), bool(flag))


def _encode(item: CertifiedHeader) -> bytes:
    certificate = item.certificate.encode()
    members = _NO_LIST if item.next_members is None else item.next_members.encode()
    return item.header.raw + encode_compact(len(certificate)) + certificate + _encode_recoveries(item) + members


def _encode_recoveries(item: CertifiedHeader) -> bytes:
    if not item.recoveries:
        return b""
    encoded = [one.encode() for one in item.recoveries]
    return _RECOVERIES + bytes((len(encoded),)) + b"".join(encode_compact(len(one)) + one for one in encoded)


def _read(reader: Reader) -> CertifiedHeader:
    header = reader.header()
    certificate = Certificate.decode(reader.var_bytes(CERTIFICATE_BYTES_MAX))
    count = reader.take(len(_NO_LIST))
    recoveries: tuple[Recovery, ...] = ()
    if count == _RECOVERIES:
        recoveries = _read_recoveries(reader)
        count = reader.take(len(_NO_LIST))
    if count == _NO_LIST:
        return CertifiedHeader(header, certificate, None, recoveries)
    keys = min(int.from_bytes(count, "little"), MEMBERS_MAX + 1)
    members = MemberList.decode(count + reader.take(keys * KEY_BYTES))
    return CertifiedHeader(header, certificate, members, recoveries)


def _read_recoveries(reader: Reader) -> tuple[Recovery, ...]:
    count = reader.take(1)[0]
    if not 1 <= count <= RECOVERIES_PER_HEIGHT_MAX:
        raise DecodeError(f"{count} recoveries of one height")
    return tuple(Recovery.decode(reader.var_bytes(RECOVERY_BYTES_MAX)) for _ in range(count))
