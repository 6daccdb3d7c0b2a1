"""The saved form: every bit of damage is noticed and named."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.wallet.chains import NOW, FakeChain, new_wallet, pay

from minicoin.core.faults import DecodeError
from minicoin.core.params.builtin import MAIN, REGTEST
from minicoin.core.primitives.transaction import make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.wallet.codec import RecordLines, decode_wallet, encode_wallet
from minicoin.core.wallet.crypt import Protection, Stretching
from minicoin.core.wallet.wallet import Wallet

PROTECTION = Protection(b"k" * 32, Stretching(b"s" * 16, 16, 4, 2), b"n" * 12)


def saved(protection: Protection | None = None) -> bytes:
    wallet = new_wallet(protection)
    script = wallet.new_address("l\N{LATIN SMALL LETTER U WITH DIAERESIS}\n").script_pubkey
    chain = FakeChain(wallet.scripts())
    wallet.connect(chain.mine(pay(script, 5_000, tag=1), to=script), NOW)
    wallet.add_unconfirmed(pay(script, 6_000, tag=2), NOW)
    wallet.disconnect(chain.rewind())
    return wallet.to_bytes()


RAW = saved()


@pytest.mark.parametrize("protection", [None, PROTECTION], ids=["open", "sealed"])
def test_round_trip(protection: Protection | None) -> None:
    raw = saved(protection)
    document = decode_wallet(raw, REGTEST.name, REGTEST.network_id)
    assert encode_wallet(document, {}) == raw
    again = Wallet.from_bytes(raw, REGTEST, Rng(b"x"))
    assert again.to_bytes() == raw
    assert again.vault.is_encrypted == (protection is not None)
    assert again.vault.seed == document.seed
    assert len(document.records) == 3


def test_a_sealed_file_does_not_hold_the_seed() -> None:
    sealed = saved(PROTECTION)
    assert bytes(range(16)).hex().encode() in RAW
    assert bytes(range(16)).hex().encode() not in sealed


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_taken_for_the_truth(position: int, change: int) -> None:
    damaged = bytearray(RAW)
    damaged[position] ^= change
    try:
        document = decode_wallet(bytes(damaged), REGTEST.name, REGTEST.network_id)
    except DecodeError as error:
        assert any(word in str(error) for word in ("restore it", "newer program", "start that network"))
    else:
        # Only the first line's spaces and the network's name, which nothing depends on, carry no checksum.
        assert position < RAW.index(b"\n") + 1
        assert encode_wallet(document, {}).partition(b"\n")[2] == RAW.partition(b"\n")[2]


@given(st.integers(0, len(RAW) - 1))
def test_a_truncated_file_is_damaged(length: int) -> None:
    with pytest.raises(DecodeError, match="restore it from a backup"):
        decode_wallet(RAW[:length], REGTEST.name, REGTEST.network_id)


@given(st.binary(max_size=200))
def test_noise_is_no_wallet(noise: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_wallet(noise, REGTEST.name, REGTEST.network_id)


def rewritten(first: dict[str, object], head: dict[str, object], rows: list[bytes]) -> bytes:
    body = b"\n".join([json.dumps(head).encode(), *rows])
    return json.dumps({**first, "sha256": sha256(body).hexdigest()}).encode() + b"\n" + body


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        ("first", {"version": 3}, "version 3, this program reads 2: use a newer program"),
        ("first", {"format": "other"}, "no wallet file"),
        ("head", {"next_change": -1}, "expected a number"),
        ("head", {"next_change": True}, "expected a number"),
        ("head", {"account": 5}, "expected a text"),
        ("head", {"labels": [["00"]]}, "cannot be read"),
        ("head", {"labels": {}}, "expected a list"),
        ("head", {"entropy": None}, "expected a text"),
        ("head", {"sealed": {"cipher": "rot13", "kdf": "scrypt"}}, "encryption is not known"),
        ("rows", {}, "wrong length"),
    ],
)
def test_a_wrong_field_is_named(line: str, change: dict[str, object], message: str) -> None:
    lines = RAW.split(b"\n")
    first, head, rows = json.loads(lines[0]), json.loads(lines[1]), lines[2:]
    if line == "rows":
        rows = [b"[]"]
    (first if line == "first" else head).update(change)
    with pytest.raises(DecodeError, match=message):
        decode_wallet(rewritten(first, head, rows), REGTEST.name, REGTEST.network_id)


def test_another_network_is_refused_by_name() -> None:
    with pytest.raises(DecodeError, match="belongs to the network 'regtest', not to 'main'"):
        Wallet.from_bytes(RAW, MAIN, Rng(b""))


def test_unchanged_records_are_not_encoded_again() -> None:
    document = decode_wallet(RAW, REGTEST.name, REGTEST.network_id)
    kept: RecordLines = {}
    encode_wallet(document, kept)
    before = {txid: id(line) for txid, line in kept.items()}
    assert encode_wallet(document, kept) == RAW
    assert {txid: id(line) for txid, line in kept.items()} == before


def test_lines_of_forgotten_records_are_dropped() -> None:
    document = decode_wallet(RAW, REGTEST.name, REGTEST.network_id)
    kept: RecordLines = {}
    encode_wallet(document, kept)
    assert len(kept) == 3
    encode_wallet(replace(document, records=document.records[:1]), kept)
    assert list(kept) == [document.records[0].txid]


def test_what_an_older_file_called_inactive_was_given_up_or_lost_its_block() -> None:
    wallet = new_wallet()
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    funding = pay(script, 5_000, tag=1)
    wallet.connect(chain.mine(funding), NOW)
    wallet.connect(chain.mine(to=script), NOW)
    sent = pay(script, 4_000, [make_outpoint(funding.txid, 0)])
    wallet.add_unconfirmed(sent, NOW)
    wallet.leave_pool(sent.txid)
    wallet.abandon(sent.txid)
    wallet.disconnect(chain.rewind())
    first, head, *rows = wallet.to_bytes().split(b"\n")
    old = [row.replace(b'"abandoned"', b'"inactive"').replace(b'"orphan"', b'"inactive"') for row in rows]
    assert sum(b'"inactive"' in row for row in old) == 2
    raw = rewritten(json.loads(first) | {"version": 1}, json.loads(head), old)
    again = Wallet.from_bytes(raw, REGTEST, Rng(b""))
    assert again.to_bytes() == wallet.to_bytes()


def test_a_confirmed_transaction_names_its_block() -> None:
    first, head, *rows = RAW.split(b"\n")
    broken = [row.replace(b'"pending"', b'"confirmed"') for row in rows]
    with pytest.raises(DecodeError, match="a block is missing"):
        decode_wallet(rewritten(json.loads(first), json.loads(head), broken), REGTEST.name, REGTEST.network_id)
