"""What a recording is made of: never a wallet, and in records that fit the reader's bounds."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import NETWORK
from tests.unit.recording.recorded import POLICY

from minicoin.core.effects import Shutdown
from minicoin.core.events import DeadlineReached
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RECORD_BYTES_MAX
from minicoin.core.node.assemble import NodeState
from minicoin.core.recording.writer import EffectsDigest, Opening, RecordingWriter
from minicoin.core.units import Micros


def opening(**changes):
    return replace(Opening("1", NETWORK, POLICY, NodeState(), b"seed", Micros(0)), **changes)


@pytest.mark.parametrize(
    ("uses_wallet", "documents"), [(True, {}), (False, {"wallet": b"keys"}), (True, {"wallet": b"keys"})]
)
def test_a_node_with_a_wallet_is_not_recorded(uses_wallet, documents):
    wrong = opening(policy=replace(POLICY, uses_wallet=uses_wallet), state=NodeState(documents=documents))
    with pytest.raises(MisuseError, match="wallet"):
        list(RecordingWriter().begin(wrong))


def test_a_record_that_no_reader_would_take_is_refused():
    writer = RecordingWriter()
    with pytest.raises(MisuseError, match="at most"):
        writer.event(bytes(RECORD_BYTES_MAX), Micros(1))


def test_the_checksum_covers_the_records_before():
    one, other = RecordingWriter(), RecordingWriter()
    list(one.begin(opening()))
    list(other.begin(opening(seed=b"another")))
    assert one.end("done") != other.end("done")


def test_events_carry_what_the_effects_before_them_were():
    one, other = RecordingWriter(), RecordingWriter()
    other.effects([Shutdown("asked to stop")])
    assert one.encode_event(DeadlineReached(), Micros(1)) != other.encode_event(DeadlineReached(), Micros(1))


def test_the_digest_is_a_chain_with_a_link_for_each_event():
    together, apart = EffectsDigest(), EffectsDigest()
    together.add([Shutdown("a"), Shutdown("b")])
    apart.add([Shutdown("a")])
    apart.add([Shutdown("b")])
    assert together.value != apart.value
