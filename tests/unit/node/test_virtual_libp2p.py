"""Two cores connected through the libp2p machines, in memory and virtual time, without any driver."""

from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay
from minicoin.core.node.policy import NodePolicy
from minicoin.core.notices import PeerUnreachable
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.links import Libp2pEnd
from minicoin.testing.virtual import VirtualNode, VirtualWorld

NETWORK = lookup("regtest")


def make_world(seed: bytes = b"libp2p") -> VirtualWorld:
    return VirtualWorld(NETWORK, KernelVerifier, seed, uses_libp2p=True)


def address_of(world: VirtualWorld, node: VirtualNode) -> str:
    world.ask(node, CreateWallet(b""))
    return world.ask(node, NewAddress("")).address


def play(seed: bytes) -> VirtualWorld:
    """A handshake, a chain, a payment and its block."""
    world = make_world(seed)
    alice = world.add("alice")
    peer_id = alice.identity.peer_id.multihash
    target = NodeAddress(alice.address.host, alice.address.port, peer_id)
    bob = world.add("bob", NodePolicy(add_nodes=(target,)))
    assert world.run(
        5 * SECOND_US,
        lambda: all(session.is_ready for session in bob.node.parts.sessions.values()) and bool(bob.node.parts.sessions),
    )
    script = address_script(address_of(world, alice), NETWORK.address_format)
    world.ask(alice, Generate(NETWORK.coinbase_maturity + 1, script))
    assert world.run(30 * SECOND_US, lambda: bob.tip == alice.tip)
    assert bob.height == NETWORK.coinbase_maturity + 1

    pay_to = address_script(address_of(world, bob), NETWORK.address_format)
    world.ask(alice, Pay((TxOut(70_000, pay_to),)))
    assert world.run(60 * SECOND_US, lambda: len(bob.node.parts.mempool) == 1)
    world.ask(alice, Generate(1, script))
    assert world.run(10 * SECOND_US, lambda: bob.tip == alice.tip)
    assert bob.node.wallet.wallet is not None
    assert bob.node.wallet.wallet.balance().confirmed_sat == 70_000
    return world


def test_handshake_blocks_and_payment_with_the_same_digest_each_run() -> None:
    first, second = play(b"one seed"), play(b"one seed")
    assert first.digest == second.digest
    assert play(b"another seed").digest != first.digest


def test_sessions_carry_the_proven_peer_id() -> None:
    world = play(b"ids")
    alice, bob = world.nodes["alice"], world.nodes["bob"]
    seen = [session.remote.peer_id for session in bob.node.parts.sessions.values()]
    assert seen == [alice.identity.peer_id.multihash]
    # The machines really ran: both ends hold channels that carried bytes.
    assert all(isinstance(end, Libp2pEnd) and end.bytes_carried > 10_000 for end in alice.links.values())


def test_a_wrong_peer_id_is_refused_in_words() -> None:
    world = make_world()
    alice = world.add("alice")
    mallory = world.add("mallory")
    wrong = NodeAddress(alice.address.host, alice.address.port, mallory.identity.peer_id.multihash)
    bob = world.add("bob", NodePolicy(connect=(wrong,)))
    world.run(3 * SECOND_US)
    assert not bob.node.parts.sessions
    reasons = [notice.reason for notice in bob.notices if isinstance(notice, PeerUnreachable)]
    assert reasons
    assert str(mallory.identity.peer_id) in reasons[0]


def test_a_cut_link_heals_by_itself() -> None:
    world = play(b"cut")
    alice, bob = world.nodes["alice"], world.nodes["bob"]
    world.cut(alice, bob)
    world.run(2 * SECOND_US)
    assert not bob.node.parts.sessions
    world.ask(alice, Generate(3, b"\x51"))
    assert bob.height < alice.height
    world.heal(alice, bob)
    assert world.run(120 * SECOND_US, lambda: bob.tip == alice.tip)
