"""From a scenario's attackers to hosts: all kinds at once, coming and going, the same in every run."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.rng import Rng
from minicoin.sim.attackers.addresses import AddressPlan, nobodys_address
from minicoin.sim.attackers.handles import MinerHandle
from minicoin.sim.attackers.roster import coins_wanted
from minicoin.sim.scenario.attackers import (
    Attacker,
    DroppingSupers,
    Eclipse,
    FloodAddresses,
    FloodConnections,
    FloodGossip,
    FloodTransactions,
    InvalidBlocks,
    InvalidHeaders,
    LyingIndexes,
    SelfishMiner,
    SlowBlocks,
    Sybil,
    SybilNearKey,
    WithholdBlocks,
)

EVERY_KIND: tuple[Attacker, ...] = (
    Eclipse(kind="eclipse", target=(0,), count=2, network_groups=4),
    Sybil(kind="sybil", count=2, connections=2, hides_blocks=False, hides_transactions=False),
    FloodTransactions(kind="flood-transactions", rate_per_s=1.0, validity="valid"),
    FloodAddresses(kind="flood-addresses", rate_per_s=0.1, per_message=20),
    FloodConnections(kind="flood-connections", rate_per_s=0.5),
    LyingIndexes(kind="lying-index", lie="invents", target=(1,)),
    DroppingSupers(kind="dropping-super", target=(1,)),
    SybilNearKey(kind="sybil-near-key", victim=1, tries=2),
    FloodGossip(kind="flood-gossip", rate_per_s=0.5, target=(1,)),
    SlowBlocks(kind="slow-blocks", delay_s=1.0, target=(1,)),
    InvalidBlocks(kind="invalid-blocks", per_hour=120.0, target=(2,)),
    InvalidHeaders(kind="invalid-headers", rate_per_s=0.1, flaw="time"),
    SelfishMiner(kind="selfish-miner", hash_share=0.2, connections=3),
    WithholdBlocks(kind="withhold-blocks", hash_share=0.1, connections=1, delay_s=5.0),
)


def test_every_kind_of_the_scenario_file_is_here() -> None:
    union = get_args(Attacker)[0]
    assert {type(attacker) for attacker in EVERY_KIND} == set(get_args(union))


def _run(small_net: Callable[..., Any], *, encodes: bool) -> Any:
    net = small_net(4, EVERY_KIND, coins=coins_wanted(EVERY_KIND, 60), encodes=encodes, has_peer_ids=True)
    net.begin()
    miners = [handle for handle in net.handles if isinstance(handle, MinerHandle)]
    for number in range(6):
        net.mine(number % 4, 20)
        miners[number % 2].find_block(net.world.now)
        net.run(20)
    for handle in net.handles:
        handle.stop(net.world.now)
    net.mine(0)
    net.mine(1)
    return net


@pytest.mark.parametrize("encodes", [False, True])
def test_all_kinds_at_once_leave_the_honest_nodes_of_one_mind(encodes: bool, small_net: Callable[..., Any]) -> None:
    net = _run(small_net, encodes=encodes)
    assert len(set(net.heights())) == 1
    assert net.heights()[0] > 8
    honest = {host.address.host for host in net.hosts}
    assert all(subject.split("/")[0] not in honest for index in range(4) for subject in net.bans(index))
    # Blocks travel faster than any attacker's announcement here, so nobody asks the slow one.
    quiet = {handle.kind for handle in net.handles if not handle.fired}
    # Nobody joins an index, a super node or a key space in a network of another model.
    assert quiet - {"slow-blocks"} == {"lying-index", "dropping-super", "sybil-near-key"}
    assert all(not host.is_up and not host.links for handle in net.handles for host in handle.hosts)


def test_equal_seeds_give_equal_traces(small_net: Callable[..., Any]) -> None:
    first, second = (_run(small_net, encodes=False) for _ in range(2))
    assert first.world.digest.hexdigest() == second.world.digest.hexdigest()
    assert [handle.fired for handle in first.handles] == [handle.fired for handle in second.handles]


def test_hosts_come_behind_the_honest_ones_and_scouts_behind_their_attacker(small_net: Callable[..., Any]) -> None:
    net = small_net(4, EVERY_KIND, coins=coins_wanted(EVERY_KIND, 60), has_peer_ids=True)
    indexes = [index for handle in net.handles for index in handle.host_indexes]
    assert indexes == list(range(4, len(net.world.hosts)))
    assert [len(handle.hosts) for handle in net.handles] == [3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1]
    assert len({host.address for host in net.world.hosts}) == len(net.world.hosts)


def test_coins_are_wanted_by_those_who_pay() -> None:
    assert coins_wanted(EVERY_KIND, 60) == 181
    assert coins_wanted([InvalidBlocks(kind="invalid-blocks", flaw="script", count=3)], 60) == 3
    assert coins_wanted([FloodTransactions(kind="flood-transactions", rate_per_s=1e4, validity="valid")], 60) == 5_000
    assert coins_wanted([FloodTransactions(kind="flood-transactions", rate_per_s=1.0, validity="orphan")], 60) == 0


def test_an_attacker_that_needs_coins_says_so(small_net: Callable[..., Any]) -> None:
    attack = InvalidBlocks(kind="invalid-blocks", flaw="double-spend", per_hour=3_600.0)
    net = small_net(2, [attack], coins=1)
    net.attacker.peers[0].forger.wallet.take()
    with pytest.raises(MisuseError, match="not funded"):
        net.begin(join_s=60)


# --- addresses ---


def test_attackers_share_no_network_group() -> None:
    plan = AddressPlan(8333)
    first, second = plan.take(3), plan.take(2)
    groups = [{".".join(own.address(number).host.split(".")[:2]) for number in range(600)} for own in (first, second)]
    assert [len(found) for found in groups] == [3, 2]
    assert not groups[0] & groups[1]
    assert len({first.address(number) for number in range(3_000)}) == 3_000


def test_addresses_end_where_the_space_does() -> None:
    with pytest.raises(MisuseError, match="20480 network groups"):
        AddressPlan(8333).take(20_481)
    with pytest.raises(MisuseError, match="address number 65535"):
        AddressPlan(8333).take(1).address(65_535)


def test_invented_addresses_are_public_and_nobody_s() -> None:
    rng = Rng(b"invented")
    invented = [nobodys_address(rng, 8333) for _ in range(100)]
    assert all(address.ip is not None and address.ip.is_global for address in invented)
    assert all(address.host.startswith("104.") for address in invented)
