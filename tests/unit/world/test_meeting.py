"""Connections that begin behind the handshake: what comes of them is what comes of a real one."""

import pytest
from tests.unit.node.test_overlay_seam import Canyon, Greeter

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate
from minicoin.core.node.assemble import assemble_node
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.units import SECOND_US
from minicoin.world import world as world_module
from minicoin.world.host import Host
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.traffic import TYPE_NAMES
from minicoin.world.world import World, host_address

LATENCY_US = 30_000
PAY_SCRIPT = b"\x00\x14" + bytes(20)
HANDSHAKE = (
    *("version", "verack", "wtxidrelay", "sendaddrv2", "sendheaders", "ping", "pong", "getheaders", "headers"),
    "feefilter",
)


def joined(*, is_meeting: bool, blocks: int = 0, policy: NodePolicy | None = None) -> World:
    """The first of two nodes dials the second, after it found some blocks that only the second lacks, or none."""
    world = World(REGTEST, ScriptedVerifier(), uniform(LATENCY_US), WorldSettings(b"meeting"))
    world.connections.is_meeting = is_meeting
    near = world.add_node(policy=policy or NodePolicy(connect=(host_address(1),)))
    if blocks:
        world.ask(near, Generate(blocks, PAY_SCRIPT))
    world.add_node(policy=NodePolicy(inbound_slots=8))
    # Long enough for a refused dial to be tried again.
    world.run(world.now + 20 * SECOND_US)
    return world


def what_is_known(host: Host) -> list[object]:
    """What a node knows of its peers, but for the numbers of connections and their times."""
    assert host.node is not None
    view = host.node.view
    known: list[object] = []
    for peer in view.ready_peers():
        known += [peer.kind, peer.services, peer.start_height, peer.sees_us_at, peer.takes_transactions]
        known += [peer.uses_wtxid, peer.takes_addrv2, peer.takes_feefilter, peer.is_inbound]
        known += [view.sync.view(peer.conn), view.relay.view(peer.conn)]
        session = view.sessions[peer.conn]
        known += [session.version, session.user_agent, session.prefers_headers, session.ping_sent_at]
        known += [session.state, session.time_offset_s, slot_of(host)]
    return known


def slot_of(host: Host) -> list[object]:
    assert host.node is not None
    return [(slot.kind, slot.is_ready) for slot in host.node.view.connections.snapshot()]


def sent(host: Host) -> set[str]:
    return {name for name, count in zip(TYPE_NAMES, host.traffic.sent_messages, strict=True) if count}


@pytest.mark.parametrize("blocks", [0, 3], ids=["one tip", "one behind"])
def test_both_know_of_each_other_what_a_handshake_would_have_said(blocks: int) -> None:
    real, short = (joined(is_meeting=is_meeting, blocks=blocks) for is_meeting in (False, True))
    for one, other in zip(real.hosts, short.hosts, strict=True):
        assert what_is_known(one) == what_is_known(other) != []
        assert one.height == other.height == blocks
    assert sent(real.hosts[0]) >= set(HANDSHAKE) - {"pong"}
    # What is settled is not said again; one that is behind asks, and hears of the blocks.
    said = {name for host in short.hosts for name in sent(host)} & set(HANDSHAKE)
    assert said == ({"getheaders", "headers"} if blocks else set())
    assert short.queue.executed < real.queue.executed


def test_blocks_travel_over_it_as_over_any_other() -> None:
    world = joined(is_meeting=True)
    first, second = world.hosts
    for height, miner in enumerate((first, second, first), 1):
        world.ask(miner, Generate(1, PAY_SCRIPT))
        world.run(world.now + SECOND_US)
        assert (first.height, second.height) == (height, height)


def test_whom_the_accepting_side_has_no_room_for_hears_nothing_but_the_end() -> None:
    world = World(REGTEST, ScriptedVerifier(), uniform(LATENCY_US), WorldSettings(b"meeting"))
    world.connections.is_meeting = True
    full = world.add_node(policy=NodePolicy(inbound_slots=0))
    asking = world.add_node(policy=NodePolicy(connect=(full.address,)))
    world.run(world.now + SECOND_US)
    assert not full.links and not asking.links
    assert slot_of(full) == []


def test_a_node_that_dials_itself_finds_out() -> None:
    world = joined(is_meeting=True, policy=NodePolicy(connect=(host_address(0),)))
    assert [what_is_known(host) for host in world.hosts] == [[], []]


def test_messages_beyond_bitcoins_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Greeter] = []
    canyons: list[Canyon] = []

    def make(setup):
        made.append(Greeter(setup))
        return made[-1]

    def canyon(around):
        canyons.append(Canyon(around))
        return canyons[-1]

    def assemble(*known, **more):
        return assemble_node(*known, **more, overlay=make, parts=(canyon,))

    monkeypatch.setattr(world_module, "assemble_node", assemble)
    joined(is_meeting=True)
    assert [len(model.speakers) for model in made] == [1, 1]
    # What is sent at the offer goes to a peer that has heard ours.
    assert [[step for _, step in one.heard] for one in canyons] == [[0, 1], [0, 1]]
