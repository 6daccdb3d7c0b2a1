"""What may be put into a node from outside, without a change to the package: a network model of one's own, and a part
with a message of its own."""

from dataclasses import dataclass

import pytest
from tests.unit.node.bench import NOBODY, Bench
from tests.unit.node.cable import Cable
from tests.unit.wire.test_messages_extension import Greeting

from minicoin.core.alarm import Alarm
from minicoin.core.commands import Generate
from minicoin.core.effects import Send
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.notices import PeerReady
from minicoin.core.overlay.contract import ItemKind, Overlay, Spread, SpreadBy, Wants
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.part import Part, route
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages_extension import ExtensionMessage


def address(number):
    return NodeAddress(f"10.0.0.{number}", 8333)


class Greeter(Overlay):
    """A model with time, chance and a message: after a second it greets whoever speaks that; it pushes all it spreads,
    and wants the addresses it is given."""

    def __init__(self, setup, *wanted):
        self.alarm = Alarm()
        self.rng = setup.rng
        self.wanted = wanted
        self.speakers = []
        self.heard = []
        self.items = []
        self.ahead = None
        self.greet_at = None

    def routes(self):
        return (route(Greeting, self.take_greeting),)

    def take_greeting(self, peer, message, now):
        self.heard.append((peer.conn, message.words))
        return ()

    def on_offer(self, peer, speaks, now):
        assert Greeting in speaks
        self.speakers.append(peer.conn)
        self.greet_at = Micros(now + SECOND_US)
        self.alarm.by(self.greet_at)
        return ()

    def on_deadline(self, now):
        self.greet_at = None
        # To everybody, also to those that did not offer it: node sees to it that they never get it.
        return [Send(conn, Greeting(self.rng.bytes(4))) for conn in (*range(1, 9),)]

    def next_deadline(self):
        return self.greet_at

    def wants(self, view, now):
        return Wants(addresses=self.wanted)

    def spread(self, item, peers, now):
        self.items.append(item)
        return tuple(Spread(peer.conn, SpreadBy.PUSH, self.ahead) for peer in peers if peer.conn != item.origin)


@dataclass(frozen=True, slots=True)
class Echo(ExtensionMessage):
    """Asks for its answer with 0, answers with 1."""

    step: int

    command = "echo"
    version = 1
    payload_bytes_max = 1

    def encode(self):
        return bytes([self.step])

    @classmethod
    def decode(cls, payload):
        if payload not in (b"\0", b"\1"):
            raise DecodeError("an echo is 0 or 1")
        return cls(payload[0])


class Canyon(Part):
    """A part that is no overlay, with a message of its own."""

    def __init__(self, around):
        self.alarm = Alarm()
        self.heard = []

    def routes(self):
        return (route(Echo, self.take_echo),)

    def on_offer(self, peer, speaks, now):
        return [Send(peer.conn, Echo(0))] if Echo in speaks else ()

    def take_echo(self, peer, message, now):
        self.heard.append((peer.conn, message.step))
        return () if message.step else [Send(peer.conn, Echo(1))]


def greeting_bench(*wanted, parts=()):
    made = []

    def make(setup):
        made.append(Greeter(setup, *wanted))
        return made[0]

    bench = Bench(NodePolicy(listen_port=8333), overlay=make, parts=parts)
    return bench, made[0]


def joined():
    """Two nodes with the stub, and a plain one, all connected to the first by its wants or by a person's."""
    hub, model = greeting_bench()
    spoke, other = greeting_bench(address(1))
    plain = Bench(NodePolicy(add_nodes=(address(1),)))
    cable = Cable({address(1): hub, address(2): spoke, address(3): plain})
    cable.run()
    return cable, hub, model, spoke, other, plain


def test_its_wants_are_carried_out_in_its_own_slots():
    cable, hub, _, spoke, _, _ = joined()
    ((conn,), slots) = cable.ends(spoke, hub), spoke.node.view.connections.snapshot()
    assert [(slot.conn, slot.kind, slot.address, slot.is_ready) for slot in slots] == [
        (conn, SlotKind.OVERLAY, address(1), True)
    ]


def test_its_message_goes_to_whoever_offered_it_and_to_nobody_else():
    cable, hub, model, spoke, other, plain = joined()
    assert model.speakers == cable.ends(hub, spoke)
    assert other.speakers == cable.ends(spoke, hub)
    assert model.heard == []
    cable.wait(3 * SECOND_US)
    assert [conn for conn, _ in model.heard] == cable.ends(hub, spoke)
    assert [conn for conn, _ in other.heard] == cable.ends(spoke, hub)
    # The plain node hears the offer of the others, which it ignores, and makes none itself.
    to_plain = [command for _, far, command in cable.passed if far is plain]
    assert "extensions" in to_plain and "greeting" not in to_plain
    assert "extensions" not in [command for near, _, command in cable.passed if near is plain]
    assert cable.ends(hub, plain) and cable.ends(plain, hub)


def test_nodes_of_two_models_exchange_blocks():
    cable, hub, model, spoke, _, plain = joined()
    for height, miner in enumerate((plain, spoke, hub), 1):
        miner.ask(Generate(1, NOBODY))
        cable.run()
        assert [bench.node.snapshot(bench.now).height for bench in (hub, spoke, plain)] == [height] * 3
    assert [item.kind for item in model.items] == [ItemKind.BLOCK] * 3
    # What came from a peer is not sent back to it; the model pushes, so nobody who runs it has to ask.
    assert [item.origin for item in model.items] == [*cable.ends(hub, plain), *cable.ends(hub, spoke), None]
    assert (hub, spoke, "block") in cable.passed and (spoke, hub, "getdata") not in cable.passed


def test_what_a_model_says_of_an_item_is_there_before_it():
    cable, hub, model, spoke, other, plain = joined()
    model.ahead = Greeting(b"hop 3")
    hub.ask(Generate(1, NOBODY))
    cable.run()
    between = [command for near, far, command in cable.passed if (near, far) == (hub, spoke)]
    assert between.index("greeting") < between.index("block")
    assert [words for _, words in other.heard] == [b"hop 3"]
    assert "greeting" not in [command for _, far, command in cable.passed if far is plain]


def test_an_overlay_a_part_and_a_reader_of_notices_in_one_node():
    canyons = []

    def canyon(around):
        canyons.append(Canyon(around))
        return canyons[-1]

    hub, model = greeting_bench(parts=(canyon,))
    spoke, _ = greeting_bench(address(1), parts=(canyon,))
    deaf, deaf_model = greeting_bench(address(1))
    cable = Cable({address(1): hub, address(2): spoke, address(3): deaf})
    cable.run()
    (to_spoke,), (to_hub,) = cable.ends(hub, spoke), cable.ends(spoke, hub)
    assert [canyon.heard for canyon in canyons] == [[(to_spoke, 0), (to_spoke, 1)], [(to_hub, 0), (to_hub, 1)]]
    # Of two messages beyond Bitcoin's the third node speaks one.
    assert "echo" not in [command for _, far, command in cable.passed if far is deaf]
    assert deaf_model.speakers == cable.ends(deaf, hub)
    assert sorted(model.speakers) == sorted([*cable.ends(hub, spoke), *cable.ends(hub, deaf)])
    ready = [(bench, notice.conn) for bench, notice in cable.notices if isinstance(notice, PeerReady)]
    assert (hub, to_spoke) in ready and (spoke, to_hub) in ready


def test_a_message_that_was_not_offered_is_ignored():
    hub, model = greeting_bench()
    hub.connect(1)
    hub.say(1, Greeting(b"uninvited"))
    assert model.heard == [] and 1 in hub.node.view.sessions


def test_a_model_with_messages_is_no_bitcoin_nodes():
    with pytest.raises(MisuseError, match="bitcoin-regtest speak Bitcoin's messages only"):
        assemble_node(
            NETWORKS["bitcoin-regtest"],
            NodePolicy(),
            NodeState(),
            Rng(b""),
            Rng(b"").bytes,
            Micros(0),
            overlay=Greeter,
        )


def test_nothing_is_offered_without_messages():
    bench = Bench()
    bench.connect(1)
    assert [type(effect.message).__name__ for effect in bench.seen_sends()].count("Offer") == 0
