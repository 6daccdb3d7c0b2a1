"""sheaders survives the wire, counts what costs its reader time, and is refused before it is believed."""

from dataclasses import replace

import pytest
from tests.unit.netsync.samples import ITEM, MOVED_ITEM, RECOVERED_ITEM
from tests.unit.signers.banks import BANKS, KEYS, precommit

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError
from minicoin.core.limits import MEMBERS_MAX, MESSAGE_PAYLOAD_BYTES_MAX, SHEADERS_SIGNATURES_MAX
from minicoin.core.netsync.certified import RECOVERED_ITEMS_MAX, CertifiedHeaders
from minicoin.core.signers.certificate import Certificate, certificate_of
from minicoin.core.signers.members import MemberList


@pytest.mark.parametrize(
    "message",
    [
        CertifiedHeaders(()),
        CertifiedHeaders((ITEM,), has_more=True),
        CertifiedHeaders((ITEM, MOVED_ITEM, ITEM)),
        CertifiedHeaders((RECOVERED_ITEM, replace(RECOVERED_ITEM, next_members=None))),
    ],
)
def test_it_survives_the_wire(message) -> None:
    raw = message.encode()
    assert CertifiedHeaders.decode(raw) == message
    for length in range(0, len(raw), 1 + len(raw) // 1_000):
        with pytest.raises(DecodeError):
            CertifiedHeaders.decode(raw[:length])
    with pytest.raises(DecodeError):
        CertifiedHeaders.decode(raw + b"\0")


def largest_item():
    certificate = ITEM.certificate
    bitmap = b"\xff" * (MEMBERS_MAX // 8) + b"\x0f"
    members = MemberList(tuple(bytes((number,)) * 32 for number in range(MEMBERS_MAX)))
    whole = replace(certificate, bitmap=bitmap, signatures=certificate.signatures[:1] * MEMBERS_MAX)
    return replace(ITEM, certificate=whole, next_members=members)


def test_signatures_are_counted_over_all_its_headers() -> None:
    one = certificate_of((precommit(key) for key in KEYS[:4]), BANKS)
    fitting = SHEADERS_SIGNATURES_MAX // len(one.signatures)
    items = (replace(ITEM, certificate=one),) * fitting
    assert CertifiedHeaders.decode(CertifiedHeaders(items).encode()).items == items
    with pytest.raises(DecodeError, match="200 allowed"):
        CertifiedHeaders.decode(CertifiedHeaders((*items, ITEM)).encode())


def test_so_many_of_its_headers_come_with_a_recovery() -> None:
    items = (RECOVERED_ITEM,) * RECOVERED_ITEMS_MAX
    assert CertifiedHeaders.decode(CertifiedHeaders(items).encode()).items == items
    with pytest.raises(DecodeError, match="more than 4 recoveries"):
        CertifiedHeaders.decode(CertifiedHeaders((*items, RECOVERED_ITEM)).encode())


def test_the_longest_there_may_be_is_within_its_limit() -> None:
    """The frame drops what is longer unseen: as many headers as there may be, each with the longest list."""
    single = Certificate(1, 0, ITEM.header.hash, BANKS.hash, b"\1" + bytes(12), ITEM.certificate.signatures[:1])
    crowded = (replace(largest_item(), certificate=single),) * SHEADERS_SIGNATURES_MAX
    signed = (largest_item(),) * (SHEADERS_SIGNATURES_MAX // MEMBERS_MAX)
    for items in (crowded, signed):
        raw = CertifiedHeaders(items).encode()
        assert CertifiedHeaders.decode(raw).items == items
        assert len(raw) <= CertifiedHeaders.payload_bytes_max <= MESSAGE_PAYLOAD_BYTES_MAX // 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\2" + CertifiedHeaders((ITEM,)).encode()[1:], "more to come"),
        (b"\1\0", "more to come"),
        (b"\0" + encode_compact(SHEADERS_SIGNATURES_MAX + 1), "at most 200"),
        (b"\0\5" + bytes(300), "more items than bytes"),
        (CertifiedHeaders((ITEM,)).encode()[:-2] + b"\xfe\xff" + bytes(4_000), "65534 members"),
        (CertifiedHeaders((ITEM,)).encode()[:-2] + b"\xff\xff" + bytes(4_000), "0 recoveries"),
        (CertifiedHeaders((ITEM,)).encode()[:-2] + b"\2\0" + bytes(64), "each once"),
    ],
)
def test_what_is_out_of_form_is_refused(raw, reason) -> None:
    with pytest.raises(DecodeError, match=reason):
        CertifiedHeaders.decode(raw)
