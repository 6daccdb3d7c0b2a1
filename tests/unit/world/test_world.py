"""Hosts of the world: power, documents, names, the chain worker's time, mining, and what no host can do."""

from dataclasses import replace

import pytest
from tests.unit.world.scripts import Script, act, add_script, make_world, pass_time

from minicoin.core import work
from minicoin.core.answers import CommandRefused, Reason, Refused
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate, NewAddress
from minicoin.core.effects import (
    Reply,
    Rescan,
    Resolve,
    SaveState,
    SetClock,
    Shutdown,
    StopSearch,
    StretchKey,
    VerifyTransaction,
)
from minicoin.core.events import (
    AddressesFound,
    CommandReceived,
    DeadlineReached,
    KeyStretched,
    NonceFound,
    RescanProgress,
    Saved,
    TransactionVerified,
)
from minicoin.core.faults import MisuseError
from minicoin.core.mining.template import build_template, make_job
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource
from minicoin.core.primitives.block import Block
from minicoin.core.units import HOUR_US, SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import stretch_key
from minicoin.sim.engine.funding import PAY_SCRIPT, fund, spend
from minicoin.world.costs import WorkCosts
from minicoin.world.host import Lines
from minicoin.world.ledger import SharedLedger
from minicoin.world.settings import WorldSettings
from minicoin.world.world import SEEDS_ANSWER_MAX, World, host_address

NETWORK = replace(REGTEST, name="world", coinbase_maturity=2)


def real_world(**costs: int) -> World:
    settings = WorldSettings(b"real", WorkCosts(**costs))
    return World(NETWORK, ScriptedVerifier(), lambda sender, receiver, number: 20_000, settings)


def start(world: World, count: int) -> None:
    """Real nodes, each dialling the one before."""
    for index in range(count):
        host = world.add_host()
        peers = (world.hosts[index - 1].address,) if index else ()
        world.start(host, NodePolicy(connect=peers, outbound_slots=0, use_dns_seeds=False, listens=False))
    pass_time(world, 5)


def heights(world: World) -> list[int]:
    return [host.node.view.tree.tip.height for host in world.hosts if host.node is not None]


def test_a_node_is_woken_only_where_something_is_due() -> None:
    """Its alarm may be set for what has been dealt with since, as for a block that came in time."""
    world = real_world()
    start(world, 3)
    woken: list[bool] = []

    def listen(at: int, index: int, what: str) -> None:
        node = world.hosts[index].node
        if what == "deadline" and node is not None:
            woken.append(node.earliest_deadline() <= at)

    world.digest.listener = listen
    for _ in range(3):
        world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
        pass_time(world, 60)
    assert woken and all(woken)


def test_hosts_of_the_same_rates_have_lines_of_their_own() -> None:
    world = make_world()
    rates = Lines(up_rate=1_000)
    first, second = world.add_host(lines=rates), world.add_host(lines=rates)
    first.lines.up_free += 1
    assert second.lines.up_free < first.lines.up_free


def test_addresses_of_hosts_are_their_own() -> None:
    assert len({host_address(index).host for index in (0, 1, 255, 256, 65_536, 1_000_000)}) == 6
    assert host_address(1_000_000).host.startswith("10.")


def test_a_block_found_by_one_is_had_by_all() -> None:
    world = real_world()
    start(world, 3)
    world.command(world.hosts[1], Generate(1, PAY_SCRIPT))
    pass_time(world, 5)
    assert heights(world) == [1, 1, 1]


def test_blocks_are_filled_up_to_the_size_that_is_set() -> None:
    world = real_world()
    world.block_bytes = 50_000
    start(world, 2)
    world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
    pass_time(world, 5)
    tip = world.hosts[1].node.view.tree.tip
    assert len(world.book.block(tip.hash).raw) == 50_000
    assert len(Block.parse(world.book.block(tip.hash).raw).transactions) == 1


def test_two_miners_at_one_moment_find_different_blocks() -> None:
    world = real_world()
    start(world, 2)
    for host in world.hosts:
        world.command(host, Generate(1, PAY_SCRIPT))
    pass_time(world, 0)
    assert len({host.mined.hash for host in world.hosts}) == 2


def test_a_node_that_comes_back_has_what_its_disk_has() -> None:
    world = real_world()
    start(world, 2)
    world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
    pass_time(world, 5)
    host = world.hosts[1]
    world.stop(host, "off")
    assert host.node is None
    assert not host.is_up
    world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
    pass_time(world, 1)
    world.restart(host)
    assert host.node.view.tree.tip.height == 1
    pass_time(world, 60)
    assert heights(world) == [2, 2]


def test_a_node_that_lost_its_disk_begins_anew() -> None:
    world = real_world()
    start(world, 2)
    world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
    pass_time(world, 5)
    host = world.hosts[1]
    world.stop(host, "off")
    world.replace_ledger(host, SharedLedger(world.book))
    world.restart(host)
    assert host.node.view.tree.tip.height == 0
    pass_time(world, 60)
    assert heights(world) == [1, 1]


def test_a_host_that_never_ran_a_node_has_none_to_restart() -> None:
    world = make_world()
    host, _ = add_script(world)
    with pytest.raises(MisuseError, match="never ran a node"):
        world.restart(host)


def test_documents_stand_on_the_disk_and_are_told_once_saved() -> None:
    world = make_world()
    host, script = add_script(world)
    began = world.now
    act(world, host, SaveState("addresses", b"here"))
    assert host.disk.documents == {"addresses": b"here"}
    pass_time(world)
    assert script.heard == [(began + world.settings.costs.save_us, Saved("addresses"))]


def test_names_are_resolved_to_the_seeds_but_oneself() -> None:
    world = make_world()
    host, script = add_script(world)
    other, _ = add_script(world)
    world.seeds = (host.address, other.address)
    act(world, host, Resolve("seed.sim", 8333))
    pass_time(world)
    ((_, event),) = script.heard
    assert isinstance(event, AddressesFound)
    assert event.source is AddressSource.DNS
    assert [found.address for found in event.addresses] == [other.address]


def test_where_the_seeds_know_many_each_who_asks_hears_of_others() -> None:
    world = make_world()
    asking = [add_script(world) for _ in range(2)]
    world.seeds = tuple(world.add_host().address for _ in range(4 * SEEDS_ANSWER_MAX))
    for host, _ in asking:
        act(world, host, Resolve("seed.sim", 8333))
    pass_time(world)
    answers = [[found.address for found in event.addresses] for _, script in asking for _, event in script.heard]
    assert all(SEEDS_ANSWER_MAX / 2 < len(set(answer)) == len(answer) <= SEEDS_ANSWER_MAX for answer in answers)
    assert answers[0] != answers[1]


def test_a_node_that_gives_up_is_switched_off() -> None:
    world = make_world()
    host, _ = add_script(world)
    act(world, host, Shutdown("no disk"))
    assert (host.is_up, host.runner) == (False, None)


def test_commands_are_numbered_and_answers_are_kept() -> None:
    world = make_world()
    host, script = add_script(world)
    requests = [world.command(host, Generate(1, PAY_SCRIPT)) for _ in range(2)]
    assert [event for _, event in script.heard] == [CommandReceived(one, Generate(1, PAY_SCRIPT)) for one in requests]
    assert len(set(requests)) == 2
    act(world, host, Reply(requests[1], "done"))
    assert host.replies == {requests[1]: Reply(requests[1], "done")}


def test_who_asked_is_told_of_the_reply_as_it_comes_and_not_after_the_power_went() -> None:
    world = make_world()
    host, _ = add_script(world)
    told: list[Reply] = []
    first, second = (world.command(host, Generate(1, PAY_SCRIPT), told.append) for _ in range(2))
    act(world, host, Reply(first, Refused(Reason.UNABLE, "no")))
    assert told == [Reply(first, Refused(Reason.UNABLE, "no"))]
    world.stop(host, "off")
    world.start_runner(host, Script())
    act(world, host, Reply(second, Refused(Reason.UNABLE, "late")))
    assert len(told) == 1


def test_a_node_that_runs_is_stopped_before_it_is_restarted() -> None:
    world = real_world()
    start(world, 2)
    host = world.hosts[1]
    world.restart(host)
    assert (host.is_up, host.restarts) == (True, 1)
    pass_time(world, 60)
    assert len(host.links) == len(world.hosts[0].links) == 1


def test_work_takes_its_time_one_piece_after_the_other() -> None:
    world = real_world(transaction_us=300)
    funding = fund(world.book, 2, world.now)
    payments = [spend((coin,), (coin.value_sat - 1_000,)) for coin in funding.coins]
    host, script = add_script(world)
    host.disk.ledger = SharedLedger(world.book, funding.chain)
    began = world.now
    act(world, host, *(VerifyTransaction(payment, ()) for payment in payments))
    pass_time(world, 1)
    assert [at - began for at, _ in script.of(TransactionVerified)] == [300, 600]
    host.cpu_factor = 10.0
    began = world.now
    act(world, host, VerifyTransaction(payments[0], ()))
    pass_time(world, 1)
    assert script.heard[-1][0] - began == 3_000


def test_who_mined_a_block_spends_no_time_on_it() -> None:
    world = real_world(block_base_us=400_000)
    start(world, 2)
    began = world.now
    world.command(world.hosts[0], Generate(1, PAY_SCRIPT))
    pass_time(world, 0)
    assert heights(world) == [1, 0]
    world.run(began + 3 * 20_000 + 399_999)
    assert heights(world) == [1, 0]
    world.run(began + 3 * 20_000 + 400_000)
    assert heights(world) == [1, 1]


def test_a_key_is_stretched_while_time_passes() -> None:
    world = make_world()
    host, script = add_script(world)
    began = world.now
    job = StretchKey(RequestId(1), b"secret", b"salt", 4, 8, 1)
    act(world, host, job)
    pass_time(world)
    assert script.heard == [(began + world.settings.costs.stretch_us, KeyStretched(RequestId(1), stretch_key(job)))]


def test_a_rescan_is_answered_slice_by_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "RESCAN_SLICE_BLOCKS", 2)
    world = real_world()
    start(world, 1)
    world.command(world.hosts[0], Generate(5, PAY_SCRIPT))
    pass_time(world, 60)
    chain = world.hosts[0].disk.ledger
    host, script = add_script(world)
    host.disk.ledger = chain
    act(world, host, Rescan(frozenset((PAY_SCRIPT,)), 1))
    pass_time(world)
    told = [event for _, event in script.of(RescanProgress) if isinstance(event, RescanProgress)]
    slices = [(event.height, len(event.found), event.done) for event in told]
    assert slices == [(2, 2, False), (4, 2, False), (5, 1, True)]


def test_a_clock_that_was_let_stand_shows_one_time_until_it_runs_again() -> None:
    world = make_world()
    host, script = add_script(world)
    stands_at = Micros(world.now + HOUR_US)
    script.deadline = Micros(stands_at + 1)
    act(world, host, SetClock(stands_at))
    pass_time(world, 2 * 3_600)
    # It was told to look at the clock, and no deadline comes by waiting.
    assert script.heard == [(stands_at, DeadlineReached())]
    act(world, host, SetClock(None))
    pass_time(world, 0)
    assert script.heard[1] == (world.now, DeadlineReached())


def test_a_job_with_a_date_is_found_no_sooner_and_not_at_all_once_it_is_replaced_or_stopped() -> None:
    world = make_world()
    host, script = add_script(world)
    tree = HeaderTree(REGTEST)
    built = build_template(tree, tree.tip, (), PAY_SCRIPT, world.now)
    due = world.now + 5 * SECOND_US
    act(world, host, make_job(built, 1, due))
    act(world, host, make_job(built, 2, due + SECOND_US))
    pass_time(world)
    assert [(at, event.job) for at, event in script.of(NonceFound)] == [(due + SECOND_US, 2)]
    act(world, host, make_job(built, 3, world.now + SECOND_US), StopSearch())
    pass_time(world)
    assert len(script.of(NonceFound)) == 1


def test_a_question_is_answered_in_the_time_that_takes_or_is_an_error() -> None:
    world = real_world()
    one = world.add_node("one")
    assert len(world.ask(one, Generate(2, PAY_SCRIPT)).blocks) == 2
    assert (one.name, one.height) == ("one", 2)
    with pytest.raises(CommandRefused, match="wallet"):
        world.ask(one, NewAddress())
    world.stop(one, "off")
    with pytest.raises(MisuseError, match="no reply"):
        world.ask(one, NewAddress())


def test_time_passes_until_something_holds_or_patience_ends() -> None:
    world = real_world()
    one = world.add_node()
    two = world.add_node(policy=NodePolicy(add_nodes=(one.address,)))
    world.ask(one, Generate(3, PAY_SCRIPT))
    assert world.wait(60 * SECOND_US, lambda: two.tip == one.tip)
    assert two.height == 3
    began = world.now
    assert not world.wait(SECOND_US, lambda: two.height > 3)
    assert world.now == began + SECOND_US


def test_time_begins_after_the_genesis_block() -> None:
    world = make_world()
    assert world.now == world.started_at > REGTEST.genesis.header.time * SECOND_US
