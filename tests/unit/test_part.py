"""The contract of parts: routes that fit their handlers, one taker for each message."""

from dataclasses import dataclass

import pytest

from minicoin.core.alarm import Alarm
from minicoin.core.faults import MisuseError
from minicoin.core.part import Part, PeerView, make_router, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.core.wire.messages import GetAddr, Ping

PEER = PeerView(1, NodeAddress("127.0.0.1", 1), is_inbound=True)


class Listening(Part):
    """A part that takes pings."""

    def __init__(self):
        self.alarm = Alarm()
        self.heard = []
        self.deadline = None

    def routes(self):
        return (route(Ping, self.take_ping),)

    def take_ping(self, peer, message, now):
        self.heard.append((peer.conn, message.nonce, now))
        return ()

    def next_deadline(self):
        return self.deadline


@dataclass(frozen=True, slots=True)
class Shown:
    number: int
    word: str


class Silent(Part):
    """A part that wants nothing."""

    def __init__(self):
        self.alarm = Alarm()


def test_a_part_that_wants_nothing_says_nothing():
    part = Silent()
    assert part.routes() == ()
    assert [*part.on_ready(PEER, 1), *part.on_closed(1, 1), *part.on_deadline(1)] == []
    assert part.next_deadline() is None
    assert [*part.digest(1, is_brief=False)] == []


def test_what_a_part_shows_is_its_digest():
    class Showing(Silent):
        shown = (1, "two")

        def snapshot(self, now):
            return Shown(*self.shown)

    part = Showing()
    ((name, before),) = part.digest(1, is_brief=False)
    assert name == "Showing"
    assert [*part.digest(9, is_brief=True)] == [(name, before)]
    part.shown = (1, "three")
    assert [*part.digest(1, is_brief=False)] != [(name, before)]


def test_what_has_no_canonical_form_cannot_be_shown():
    class Careless(Silent):
        def snapshot(self, now):
            return {1, 2}

    with pytest.raises(MisuseError, match="no form for set"):
        Careless().digest(1, is_brief=False)


def test_a_message_goes_to_its_taker():
    part = Listening()
    router = make_router((Silent(), part))
    assert {kind: one.taker for kind, one in router.items()} == {Ping: "Listening.take_ping"}
    router[Ping].handle(PEER, Ping(7), Micros(3))
    assert part.heard == [(1, 7, 3)]


def test_two_takers_of_one_message_are_refused():
    with pytest.raises(MisuseError, match=r"Ping has two takers: Listening\.take_ping and Listening\.take_ping"):
        make_router((Listening(), Listening()))


def test_a_message_that_nobody_takes_is_not_in_the_router():
    assert GetAddr not in make_router((Listening(),))
