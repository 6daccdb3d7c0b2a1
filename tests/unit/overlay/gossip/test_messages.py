"""The messages: each comes back as it went, and what breaks its form or its bounds is refused."""

import pytest
from tests.unit.overlay.gossip.made import peer_id
from tests.unit.overlay.gossip.samples import ENTRIES, SAMPLES

from minicoin.core.faults import DecodeError
from minicoin.core.limits import GOSSIP_HOPS_MAX
from minicoin.core.overlay.gossip.messages import MESSAGES, Seek, Shuffle, Shuffled
from minicoin.core.overlay.repair.messages import Pulled


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_it_comes_back_as_it_went(message):
    payload = message.encode()
    assert type(message).decode(payload) == message
    assert len(payload) <= message.payload_bytes_max
    for broken in (payload[:-1], payload + b"\0", b""):
        with pytest.raises(DecodeError):
            type(message).decode(broken)


EMPTY = (Shuffle(2**64 - 1, ()), Pulled(4, False, 0))


@pytest.mark.parametrize("message", EMPTY, ids=lambda message: type(message).__name__)
def test_there_may_be_nothing_to_say(message):
    assert type(message).decode(message.encode()) == message


def test_every_message_has_a_sample():
    assert {type(sample) for sample in SAMPLES} == set(MESSAGES)


@pytest.mark.parametrize("kind", [Shuffle, Shuffled])
def test_more_entries_than_a_shuffle_has_are_refused(kind):
    with pytest.raises(DecodeError, match="9 items, at most 8"):
        kind.decode(kind(1, (*ENTRIES, ENTRIES[0])).encode())


def test_a_seek_goes_no_further_than_seeks_do_and_for_somebody():
    with pytest.raises(DecodeError, match="9 hops, at most 8"):
        Seek.decode(Seek(1, GOSSIP_HOPS_MAX + 1, peer_id(1)).encode())
    with pytest.raises(DecodeError, match="nobody"):
        Seek.decode(Seek(1, 1, b"").encode())
