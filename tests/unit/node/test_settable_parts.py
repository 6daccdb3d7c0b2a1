"""What of a node can be set is set where the node looks for it."""

from types import SimpleNamespace

from tests.unit.chain.five_banks import NETWORK

from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.connmgr.slots import ConnectionPolicy
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.node.settable_parts import common_settables, settables_of
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.settings import ALERT_TEXT, SETTINGS, SettingScope
from minicoin.core.policy.node import NodePolicy
from minicoin.core.rng import Rng

NEW = {
    "empty_after_s": "7",
    "propose_timeout_ms": "1500",
    "prevote_timeout_ms": "600",
    "precommit_timeout_ms": "700",
    "timeout_step_ms": "80",
    "min_relay_feerate": "2000",
    "block_min_feerate": "500",
    "block_weight_max": "1000000",
    "mempool_mb": "60",
    "inbound_slots": "20",
}


class Shared(SimpleNamespace):
    """What of a node's parts is asked."""

    def __init__(self, network=NETWORK):
        super().__init__(
            network=network,
            policy=NodePolicy(),
            mempool=SimpleNamespace(policy=MempoolPolicy()),
            connections=ConnectionManager(ConnectionPolicy(8, 0, 0, 115, BanPolicy()), lambda at: b"", Rng(b"")),
            relay=SimpleNamespace(set_feerate_floor=lambda feerate: setattr(self, "floor", feerate)),
        )
        self.consensus = SimpleNamespace(use_times=lambda times: setattr(self, "times", times))


def set_all(shared, settables):
    for one in settables:
        assert one.get() != NEW[one.row.name]
        one.set(NEW[one.row.name])
    return {one.row.name: one.get() for one in settables}


def test_each_setting_of_a_node_is_read_back_and_has_its_place() -> None:
    shared = Shared()
    settables = settables_of(shared, shared.consensus)
    of_nodes = {name for name, row in SETTINGS.items() if row.scope is SettingScope.NODE}
    assert {one.row.name for one in settables} == of_nodes - {ALERT_TEXT.name}
    assert set_all(shared, settables) == NEW
    times = shared.times
    assert (times.empty_after_s, times.propose_us, times.prevote_us) == (7, 1_500_000, 600_000)
    assert (times.precommit_us, times.step_us) == (700_000, 80_000)
    pool = shared.mempool.policy
    assert (pool.min_relay_feerate, pool.block_min_feerate, pool.bytes_max) == (2_000, 500, 60_000_000)
    assert (shared.floor, shared.policy.block_weight_max) == (2_000, 1_000_000)
    assert shared.connections.policy.inbound_slots == 20


def test_who_looks_on_has_the_times_to_show_and_other_networks_have_none() -> None:
    looking_on = Shared()
    assert set_all(looking_on, settables_of(looking_on, None)) == NEW
    names = [one.row.name for one in settables_of(Shared(REGTEST), None)]
    assert names == ["min_relay_feerate", "block_min_feerate", "block_weight_max", "mempool_mb", "inbound_slots"]
    assert [one.row.name for one in common_settables(Shared())] == ["inbound_slots"]
