"""A record's form, what its row refuses, and what its signatures cover."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.records.world import ALICE, BOB, CAROL, NETWORK, NOW, record_of, signer_of

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.keys import KeyType, encode_key_message
from minicoin.core.params.builtin import lookup
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import (
    RecordSignature,
    decode_record,
    has_forged_signature,
    sum_of,
    unsigned_record,
    with_signature,
)
from minicoin.core.units import HOUR_US, SECOND_US

SECP = Identity.decode(encode_key_message(KeyType.SECP256K1, bytes(31) + b"\7"))


@pytest.mark.parametrize(
    "record",
    [
        record_of(ALICE),
        record_of(SECP, key="a/b", value=b""),
        record_of(BOB, kind="super", value=bytes(512), life_us=SECOND_US),
        record_of(ALICE, kind="alert", key="fork"),
        record_of(ALICE, BOB, CAROL, kind="config", value=bytes(16_384)),
    ],
    ids=["status", "secp256k1", "super", "alert", "config"],
)
def test_a_record_survives_the_wire_and_verifies(record) -> None:
    again = decode_record(record.encode())
    assert again == record
    assert not has_forged_signature(again, NETWORK.network_id)


def test_whatever_is_changed_breaks_the_signature() -> None:
    record = record_of(ALICE)
    changes = (
        replace(record, key="other"),
        replace(record, value=b"there"),
        replace(record, version=record.version + 1),
        replace(record, expires_s=record.expires_s - 1),
        replace(record, kind="super"),
        replace(record, signatures=(RecordSignature(signer_of(BOB), record.signatures[0].signature),)),
        replace(record, signatures=(RecordSignature(signer_of(ALICE), b"\0" * 64),)),
        replace(record, signatures=(RecordSignature(b"\0\x24" + b"\xff" * 36, record.signatures[0].signature),)),
    )
    assert [has_forged_signature(changed, NETWORK.network_id) for changed in changes] == [True] * len(changes)


def test_a_record_of_another_network_is_forged_here() -> None:
    assert has_forged_signature(record_of(ALICE, network_id=lookup("main").network_id), NETWORK.network_id)


def test_one_false_signature_among_several_is_enough() -> None:
    record = record_of(ALICE, BOB, kind="config")
    false = replace(record.signatures[1], signature=bytes(64))
    assert has_forged_signature(replace(record, signatures=(record.signatures[0], false)), NETWORK.network_id)


def test_the_source_of_a_shared_kind_is_nobodys_and_of_others_their_signers() -> None:
    assert record_of(ALICE, BOB, kind="config").source == record_of(BOB, CAROL, kind="config", key="x").source
    assert record_of(ALICE).source == record_of(ALICE, kind="super").source != record_of(BOB).source


def _encoded(**changes) -> bytes:
    return replace(record_of(ALICE), **changes).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (_encoded(value=bytes(1_025)), "field of 1025 bytes in record, at most 1024"),
        (_encoded(key="k" * 65), "field of 65 bytes"),
        (_encoded(key="a b"), "printable ASCII without spaces"),
        (_encoded(key="a\x1b[2J"), "printable ASCII without spaces"),
        (record_of(ALICE).encode().replace(b"\x06status", b"\x06statue"), "unknown kind"),
        (_encoded(signatures=()), "signers do not stand in order"),
        (_encoded(signatures=record_of(ALICE, BOB, kind="config").signatures), "has one signer, not 2"),
        (
            replace(
                record := record_of(ALICE, BOB, kind="config"), signatures=tuple(reversed(record.signatures))
            ).encode(),
            "signers do not stand in order",
        ),
        (replace(record, signatures=(record.signatures[0],) * 2).encode(), "signers do not stand in order"),
        (replace(record, expires_s=1).encode(), "does not expire"),
        (_encoded(expires_s=0), "lives 3600 seconds at most"),
        (_encoded(expires_s=NOW // SECOND_US + 3_601), "lives 3600 seconds at most"),
        (_encoded(version=2**64 - 1), "lives 3600 seconds at most"),
        (_encoded(signatures=(RecordSignature(b"\x12\x20" + bytes(32), bytes(64)),)), "no peer id that holds its key"),
        (_encoded(signatures=(RecordSignature(signer_of(ALICE), bytes(81)),)), "field of 81 bytes"),
        (record_of(ALICE).encode() + b"\0", "1 bytes behind record"),
    ],
)
def test_what_no_row_allows_cannot_be_read(raw: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_record(raw)


@pytest.mark.parametrize("length", range(len(record_of(ALICE).encode())))
def test_a_truncated_record_cannot_be_read(length: int) -> None:
    with pytest.raises(DecodeError):
        decode_record(record_of(ALICE).encode()[:length])


@pytest.mark.parametrize(
    ("kind", "key", "value", "life_us", "reason"),
    [
        ("status", "", bytes(1_025), None, "1025 bytes are too long for a record of kind status: at most 1024"),
        ("status", "k" * 65, b"", None, "at most 64 printable ASCII characters"),
        ("status", "a b", b"", None, "no spaces"),
        ("status", "", b"", HOUR_US + 1, "lives 1 to 3600 seconds"),
        ("status", "", b"", 0, "lives 1 to 3600 seconds"),
        ("config", "", b"", SECOND_US, "does not expire"),
    ],
)
def test_what_its_own_node_may_not_make_says_why(kind, key, value, life_us, reason) -> None:
    with pytest.raises(MisuseError, match=reason):
        unsigned_record(KINDS[kind], key, value, NOW, life_us)


def test_every_record_made_can_be_read() -> None:
    for life_us in (1, SECOND_US, 1_500_000, HOUR_US - 1, HOUR_US, None):
        for version in (NOW, NOW + 1, NOW + 999_999):
            record = record_of(ALICE, version=version, life_us=life_us)
            assert decode_record(record.encode()) == record


def test_an_identity_whose_key_is_too_long_signs_no_record() -> None:
    key = generate_private_key(65_537, 2_048)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    rsa = Identity.decode(encode_key_message(KeyType.RSA, der))
    with pytest.raises(MisuseError, match="Ed25519 or secp256k1"):
        with_signature(unsigned_record(KINDS["status"], "", b"", NOW), rsa, NETWORK.network_id)


def test_signing_again_changes_no_count_and_the_sum_knows_no_order() -> None:
    record = record_of(ALICE, BOB, kind="config")
    assert with_signature(record, ALICE, NETWORK.network_id).signatures == record.signatures
    others = (record_of(BOB), record_of(CAROL))
    assert sum_of((record, *others)) == sum_of((*others, record))
    assert sum_of((record,)) != sum_of(others[:1])
