"""Nodes of the core against each other without any driver, in virtual time: what the simulator is built on."""

from tests.unit.worlds import Notices, Tearing, cut, heal, make_world

from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay, SetMining, Stop
from minicoin.core.notices import Reorganised
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.script.standard import address_script
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.drivers.kernel import KernelVerifier

NETWORK = lookup("regtest")
MATURE = NETWORK.coinbase_maturity + 1
NOBODY = b"\x00\x14" + bytes(20)


def script_of(world, host):
    if host.node.view.wallet is None:
        world.ask(host, CreateWallet(b""))
    return address_script(world.ask(host, NewAddress("")).address, NETWORK.address_format)


def new_world(seed):
    return make_world(NETWORK, KernelVerifier(1), seed)


def pair(world):
    one = world.add_node("one")
    two = world.add_node("two", NodePolicy(add_nodes=(one.address,)))
    assert world.wait(5 * SECOND_US, lambda: ready_peers(one) == ready_peers(two) == 1)
    return one, two


def ready_peers(host):
    return sum(session.is_ready for session in host.node.view.sessions.values())


def agree(world, *nodes, patience_us=2 * MINUTE_US):
    return world.wait(patience_us, lambda: len({host.tip for host in nodes}) == 1)


def confirmed(host):
    return host.node.view.wallet.balance().confirmed_sat


def pay_and_confirm(world, payer, payee, amount):
    """A payment that travels to the payee and into a block of the payee's."""
    script = script_of(world, payee)
    txid = world.ask(payer, Pay((TxOut(amount, script),))).txid
    assert world.wait(2 * MINUTE_US, lambda: len(payee.node.view.mempool) == 1)
    world.ask(payee, Generate(1, NOBODY))
    assert agree(world, payer, payee)
    return txid


def play(seed, pieces=0):
    """Handshake, sync, payment."""
    world = new_world(seed)
    if pieces:
        Tearing(world, pieces)
    one, two = pair(world)
    world.ask(one, Generate(MATURE, script_of(world, one)))
    assert agree(world, one, two)
    pay_and_confirm(world, one, two, 70_000)
    return world, one, two


def test_two_nodes_shake_hands_sync_and_pay():
    _, one, two = play(b"play")
    assert one.height == two.height == MATURE + 1
    assert confirmed(two) == 70_000
    assert len(one.node.view.mempool) == len(two.node.view.mempool) == 0
    versions = {session.user_agent for session in one.node.view.sessions.values()}
    assert versions == {"/minicoin:0.1.0/"}


def test_one_seed_one_digest():
    first, again, other = play(b"one")[0], play(b"one")[0], play(b"two")[0]
    assert first.digest.hexdigest() == again.digest.hexdigest() != other.digest.hexdigest()


def test_bytes_may_arrive_in_any_pieces():
    _, one, two = play(b"pieces", pieces=60)
    assert one.tip == two.tip and confirmed(two) == 70_000


def test_a_partition_heals_on_the_heavier_branch_and_its_payment_is_mined_again():
    world = new_world(b"partition")
    one, two = pair(world)
    world.ask(one, Generate(MATURE, script_of(world, one)))
    assert agree(world, one, two)
    payee = script_of(world, two)
    notices = Notices(world)
    barrier = cut(world, one, two)
    txid = world.ask(one, Pay((TxOut(50_000, payee),))).txid
    world.ask(one, Generate(1, NOBODY))
    world.ask(two, Generate(3, NOBODY))
    assert (one.height, two.height) == (MATURE + 1, MATURE + 3)
    assert not world.wait(2 * SECOND_US, lambda: one.tip == two.tip)
    heavier = two.tip
    heal(world, barrier)
    assert agree(world, one, two)
    assert one.tip == heavier
    # The payment of the losing branch is back in the mempool, and travels on from there.
    assert world.wait(2 * MINUTE_US, lambda: len(one.node.view.mempool) == len(two.node.view.mempool) == 1)
    assert [entry.txid for entry in two.node.view.mempool.by_feerate()] == [txid]
    world.ask(two, Generate(1, NOBODY))
    assert agree(world, one, two)
    assert confirmed(two) == 50_000
    assert len(one.node.view.mempool) == len(two.node.view.mempool) == 0
    assert [type(notice) for notice in notices.of(one)].count(Reorganised) == 1


def test_a_restart_keeps_chain_wallet_mempool_and_peers():
    world, one, two = play(b"restart")
    world.ask(one, Pay((TxOut(10_000, script_of(world, two)),)))
    assert world.wait(2 * MINUTE_US, lambda: len(two.node.view.mempool) == 1)
    world.ask(two, Stop())
    assert not two.is_up
    world.ask(one, Generate(5, NOBODY))
    world.start(two, NodePolicy())
    assert two.height == MATURE + 1
    assert confirmed(two) == 70_000
    # No address was given this time: the saved book finds the peer.
    assert agree(world, one, two)
    assert two.height == MATURE + 6
    assert world.wait(MINUTE_US, lambda: confirmed(two) == 80_000)


def test_a_node_that_vanished_without_a_word_catches_up():
    world, one, two = play(b"vanish")
    world.restart(two)
    world.ask(one, Generate(3, NOBODY))
    assert agree(world, one, two)
    assert confirmed(two) == 70_000


def test_three_nodes_that_know_one_find_each_other():
    world = new_world(b"gossip")
    first = world.add_node("first", NodePolicy(listen_port=20_000))
    others = [
        world.add_node(name, NodePolicy(add_nodes=(first.address,))) for index, name in enumerate(("second", "third"))
    ]
    everybody = (first, *others)
    assert world.wait(10 * MINUTE_US, lambda: all(ready_peers(host) >= 2 for host in everybody))
    world.ask(others[0], Generate(2, NOBODY))
    assert agree(world, *everybody)


def test_two_miners_settle_on_one_chain():
    world = new_world(b"miners")
    one, two = pair(world)
    for host in (one, two):
        world.ask(host, SetMining(script_of(world, host)))
    world.run(world.now + 20 * NETWORK.spacing_s * SECOND_US)
    for host in (one, two):
        world.ask(host, SetMining(None))
    world.ask(one, Generate(1, NOBODY))
    assert agree(world, one, two)
    # Paced by the network's spacing, each miner by its own clock.
    assert 20 <= one.height <= 45


def test_a_newcomer_syncs_a_longer_chain_from_two_peers():
    world = new_world(b"newcomer")
    one, two = pair(world)
    world.ask(one, Generate(600, NOBODY), patience_us=10 * MINUTE_US)
    assert agree(world, one, two)
    late = world.add_node("late", NodePolicy(add_nodes=(one.address, two.address)))
    assert agree(world, one, two, late)
    assert late.node.view.sync.snapshot(world.now).in_flight == 0
