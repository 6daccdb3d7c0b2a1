"""Two cores connected through the libp2p machines, in memory and virtual time, without any driver."""

from tests.unit.worlds import Notices, cut, heal, make_world

from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay
from minicoin.core.notices import PeerUnreachable
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.host import Host
from minicoin.world.secured import SecuredEnd
from minicoin.world.world import World

NETWORK = lookup("regtest")


def new_world(seed: bytes = b"libp2p") -> World:
    return make_world(NETWORK, KernelVerifier(1), seed, runs_libp2p=True)


def address_of(world: World, node: Host) -> str:
    world.ask(node, CreateWallet(b""))
    return world.ask(node, NewAddress("")).address


def play(seed: bytes) -> World:
    """A handshake, a chain, a payment and its block."""
    world = new_world(seed)
    alice = world.add_node("alice")
    bob = world.add_node("bob", NodePolicy(add_nodes=(alice.address,)))
    assert world.wait(
        5 * SECOND_US,
        lambda: all(session.is_ready for session in bob.node.view.sessions.values()) and bool(bob.node.view.sessions),
    )
    script = address_script(address_of(world, alice), NETWORK.address_format)
    world.ask(alice, Generate(NETWORK.coinbase_maturity + 1, script))
    assert world.wait(30 * SECOND_US, lambda: bob.tip == alice.tip)
    assert bob.height == NETWORK.coinbase_maturity + 1

    pay_to = address_script(address_of(world, bob), NETWORK.address_format)
    world.ask(alice, Pay((TxOut(70_000, pay_to),)))
    assert world.wait(60 * SECOND_US, lambda: len(bob.node.view.mempool) == 1)
    world.ask(alice, Generate(1, script))
    assert world.wait(10 * SECOND_US, lambda: bob.tip == alice.tip)
    assert bob.node.view.wallet is not None
    assert bob.node.view.wallet.balance().confirmed_sat == 70_000
    return world


def test_handshake_blocks_and_payment_with_the_same_digest_each_run() -> None:
    first, second = play(b"one seed"), play(b"one seed")
    assert first.digest.hexdigest() == second.digest.hexdigest()
    assert play(b"another seed").digest.hexdigest() != first.digest.hexdigest()


def test_sessions_carry_the_proven_peer_id() -> None:
    world = play(b"ids")
    alice, bob = world.hosts
    seen = [session.remote.peer_id for session in bob.node.view.sessions.values()]
    assert seen == [alice.identity.peer_id.multihash]
    # It is the machines that proved it.
    assert alice.links and all(isinstance(end.machine, SecuredEnd) for end in alice.links.values())


def test_a_wrong_peer_id_is_refused_in_words() -> None:
    world = new_world()
    alice = world.add_node("alice")
    mallory = world.add_node("mallory")
    wrong = NodeAddress(alice.address.host, alice.address.port, mallory.identity.peer_id.multihash)
    notices = Notices(world)
    bob = world.add_node("bob", NodePolicy(connect=(wrong,)))
    world.run(world.now + 3 * SECOND_US)
    assert not bob.node.view.sessions
    reasons = [notice.reason for notice in notices.of(bob) if isinstance(notice, PeerUnreachable)]
    assert reasons
    assert str(mallory.identity.peer_id) in reasons[0]


def test_a_cut_link_heals_by_itself() -> None:
    world = play(b"cut")
    alice, bob = world.hosts
    barrier = cut(world, alice, bob)
    world.run(world.now + 2 * SECOND_US)
    assert not bob.node.view.sessions
    world.ask(alice, Generate(3, b"\x51"))
    assert bob.height < alice.height
    heal(world, barrier)
    assert world.wait(120 * SECOND_US, lambda: bob.tip == alice.tip)
