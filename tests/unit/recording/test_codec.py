"""Every event, command and message has a form, and none of them takes a secret along."""

from dataclasses import fields, replace
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicoin.core.commands import Command, CreateWallet, Unlock
from minicoin.core.effects import Effect, SaveState, StretchKey, Watch
from minicoin.core.events import CommandReceived, ConnectionOpened, Event, KeyStretched, MessageReceived
from minicoin.core.faults import DecodeError
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxIn, TxOut, Wtxid
from minicoin.core.recording.codec import (
    EVENT,
    POLICY,
    decode_policy,
    digest_effect,
)
from minicoin.core.signers.members import MemberList, member_list
from minicoin.core.units import ConnId, RequestId
from minicoin.core.wire.messages import ExtensionMessage, Message, Tx
from minicoin.core.wire.messages_extension import Offer
from minicoin.core.wire.reader import Reader

_hash = st.binary(min_size=32, max_size=32)
_u32 = st.integers(0, 2**32 - 1)
_header = st.builds(BlockHeader, st.integers(-(2**31), 2**31 - 1), _hash, _hash, _u32, _u32, _u32)
_output = st.builds(TxOut, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=5))
_transaction = st.builds(
    Transaction,
    st.integers(-(2**31), 2**31 - 1),
    st.lists(st.builds(TxIn, st.binary(min_size=36, max_size=36), st.binary(max_size=5), _u32), max_size=2).map(tuple),
    st.lists(_output, min_size=1, max_size=2).map(tuple),
    _u32,
)
for kind, strategy in {
    BlockHash: _hash,
    Txid: _hash,
    Wtxid: _hash,
    Outpoint: st.binary(min_size=36, max_size=36),
    BlockHeader: _header,
    RawBlock: st.builds(lambda header, rest: RawBlock.parse(header.raw + rest), _header, st.binary(max_size=9)),
    Transaction: _transaction,
    TxOut: _output,
    MemberList: st.lists(_hash, min_size=1, max_size=3, unique=True).map(member_list),
}.items():
    st.register_type_strategy(kind, strategy)

EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
SECRET = {CreateWallet, Unlock}


OFFERS = st.tuples(st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12), st.integers(0, 2**32 - 1))
st.register_type_strategy(ExtensionMessage, st.builds(Offer, st.lists(OFFERS, max_size=5).map(tuple)))
BITCOINS_MESSAGES = [kind for kind in get_args(Message) if kind is not ExtensionMessage]


def encoded(codec, value):
    out = bytearray()
    codec.write(value, out)
    return bytes(out)


def through(event):
    reader = Reader(encoded(EVENT, event), "event")
    found = EVENT.read(reader)
    reader.end()
    return found


@pytest.mark.parametrize("kind", [kind for kind in get_args(Event) if kind not in (KeyStretched, CommandReceived)])
def test_every_event_is_read_back(kind):
    bitcoins = st.one_of(*map(st.from_type, BITCOINS_MESSAGES))
    holds = {
        MessageReceived: {"message": bitcoins},
        ConnectionOpened: {"heard": st.lists(bitcoins, max_size=3).map(tuple)},
    }
    made = st.builds(kind, **holds[kind]) if kind in holds else st.from_type(kind)

    @EXAMPLES
    @given(made)
    def check(event):
        assert through(event) == event

    check()


@pytest.mark.parametrize("kind", [kind for kind in get_args(Command) if kind not in SECRET])
def test_every_command_is_read_back(kind):
    @EXAMPLES
    @given(st.from_type(kind))
    def check(command):
        event = CommandReceived(RequestId(3), command)
        assert through(event) == event

    check()


@pytest.mark.parametrize("kind", BITCOINS_MESSAGES)
def test_every_message_is_read_back(kind):
    @EXAMPLES
    @given(st.from_type(kind))
    def check(message):
        event = MessageReceived(ConnId(3), message, 7)
        assert through(event) == event

    check()


def test_a_message_beyond_bitcoins_is_written_and_read_back_from_the_bytes_of_its_frame_only():
    with pytest.raises(DecodeError, match="bytes of its frame only"):
        through(MessageReceived(ConnId(3), Offer((("greeting", 1),)), 7))


@pytest.mark.parametrize("kind", get_args(Effect))
def test_every_effect_is_digested(kind):
    @EXAMPLES
    @given(st.from_type(kind))
    def check(effect):
        out = bytearray()
        digest_effect(effect, out)
        assert out

    check()


def secret_fields(kind):
    """A field that repr leaves out is one that must not be shown."""
    return [field for field in fields(kind) if not field.repr]


def test_whatever_a_command_keeps_out_of_its_repr_is_kept_out_of_the_recording():
    assert {kind for kind in get_args(Command) if secret_fields(kind)} == SECRET
    for kind in SECRET:
        plain = kind(b"") if kind is CreateWallet else kind("")
        secret = replace(
            plain, **{field.name: b"s3cret-bytes" if field.type is bytes else "s3cret" for field in secret_fields(kind)}
        )
        raw = encoded(EVENT, CommandReceived(RequestId(3), secret))
        assert b"s3cret" not in raw
        assert raw == encoded(EVENT, CommandReceived(RequestId(3), plain))
        assert isinstance(through(CommandReceived(RequestId(3), secret)).command, kind)


def test_a_stretched_key_is_left_out():
    raw = encoded(EVENT, KeyStretched(RequestId(9), b"k3y" * 11))
    assert b"k3y" not in raw
    assert through(KeyStretched(RequestId(9), b"k3y" * 11)) == KeyStretched(RequestId(9), b"")


def test_a_passphrase_is_left_out_of_the_digest():
    digests = []
    for passphrase in (b"one", b"two"):
        out = bytearray()
        digest_effect(StretchKey(RequestId(9), passphrase, b"salt", 15, 8, 1), out)
        digests.append(bytes(out))
    assert digests[0] == digests[1]


def test_effects_that_differ_are_told_apart():
    def digest(effect):
        out = bytearray()
        digest_effect(effect, out)
        return bytes(out)

    assert digest(SaveState("peers", b"a")) != digest(SaveState("peers", b"b"))
    assert digest(Watch(frozenset((b"a", b"b")))) == digest(Watch(frozenset((b"b", b"a"))))


def test_a_transaction_without_inputs_is_read_back():
    bare = Transaction(2, (), (TxOut(5, b"x"),), 7)
    event = MessageReceived(ConnId(1), Tx(bare), 60)
    assert through(event).message.transaction.stripped == bare.stripped


@EXAMPLES
@given(st.from_type(NodePolicy))
def test_a_policy_is_read_back(policy):
    assert decode_policy(Reader(encoded(POLICY, policy), "policy")) == policy


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_an_event_or_a_decode_error(raw):
    try:
        event = EVENT.read(Reader(raw, "event"))
    except DecodeError:
        return
    assert isinstance(event, Event)
