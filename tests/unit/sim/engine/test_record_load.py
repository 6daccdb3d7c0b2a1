"""A load of records in whole runs: each is followed to every node, under every network model."""

import numpy as np
import pytest
from tests.unit.sim.engine.runs import SMALL, record, scenario_of

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import ABSENT, NEVER, RunRecord
from minicoin.sim.result.propagation import record_spreads
from minicoin.sim.result.summary import summarize
from minicoin.sim.scenario.problems import ScenarioError

TEXT = (
    SMALL.replace("count = 6", "count = 12")
    .replace("[network]", "[network]\nown_messages = true")
    .replace("outbound = 2", 'source = "addrman"\ntells_addresses = false')
    .replace('geography = "simblock-2019"', 'geography = "simblock-2019"\ntransport = "named"')
    + """
[warmup]
start = "connected"
[records]
rate_per_s = 0.5
start_s = 5
stop_s = 60
"""
)
ROLES = {
    "random": (),
    "index": ("nodes.group[0].role=index", 'network.overlay_settings.index=["10.0.0.0:8333"]'),
    "gossip": (),
    "supernode": ("nodes.group[0].role=super",),
    "kademlia": (),
}
GROUP = """
[[nodes.group]]
name = "first"
count = 2
"""
GONE = """
[[fault]]
kind = "node-loss"
nodes = [3]
at_s = 10
"""


def under(model: str, *settings: str) -> RunRecord:
    return record(TEXT + GROUP, f"network.overlay={model}", *ROLES[model], *settings)


@pytest.mark.parametrize("model", ROLES)
def test_each_record_reaches_everybody_under_every_model(model: str) -> None:
    run = under(model)
    assert len(run.published) > 10
    assert all(5 * SECOND_US <= one.published_at_us < 60 * SECOND_US for one in run.published)
    for one in run.published:
        assert one.arrivals[one.publisher] == 0
        assert (np.delete(one.arrivals, one.publisher) > 0).all(), "a node never had it, or before it was published"
    figures = summarize(run).records
    assert figures.items == len(run.published) and figures.coverage == 1
    assert figures.per_item is not None and 0 < figures.per_item.p50_us <= figures.per_item.p99_us


def test_a_newer_record_of_a_place_stands_for_the_older_ones() -> None:
    # A round each 20 s and nothing at once: most of what one node publishes each second is replaced before it is sent.
    slow = ("network.overlay_settings.exchange=pull", "network.overlay_settings.exchange_period=20")
    run = under("gossip", *slow, "records.publishers=1", "records.keys=1", "records.rate_per_s=1.0")
    places = {(one.publisher, one.key) for one in run.published}
    assert places == {(0, "load-0")} and len(run.published) > 20
    by_node = np.array([one.arrivals + one.published_at_us for one in run.published])[:, 1:]
    assert (np.diff(by_node, axis=0) >= 0).all()
    assert len(np.unique(by_node[:, 5])) < len(run.published), "nothing was ever replaced on its way"


def test_nodes_that_are_down_say_nothing_of_a_record() -> None:
    run = record(TEXT + GROUP + GONE)
    after = [one for one in run.published if one.published_at_us > 11 * SECOND_US]
    assert after and all(one.arrivals[3] == ABSENT and one.publisher != 3 for one in after)
    assert NEVER not in np.concatenate([one.arrivals for one in after])
    assert all(spread.samples.size == 10 for spread in record_spreads(run)[-len(after) :])


def test_what_a_publisher_refuses_is_told() -> None:
    # 64 KiB of all that one signer has, at 16 KB each.
    run = record(TEXT, "records.kind=change", "records.value_bytes=16000", "records.keys=8", "records.publishers=1")
    assert {one.key for one in run.published} == {"load-0", "load-1", "load-2", "load-3"}
    assert any("records were refused" in note and "no room" in note for note in run.notes)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (("links.transport=plain",), "are signed by peer ids"),
        (("network.own_messages=false",), "set network.own_messages = true"),
        (("records.kind=alert",), "any node may sign status, super, change, settings-change, recovery; not 'alert'"),
        (("records.kind=super", "records.value_bytes=513"), "a record of kind super has at most 512 bytes"),
        (("records.publishers=13",), "13 publish, but there are 12 nodes"),
        (("records.stop_s=5.0",), "5 is not after start_s"),
    ],
)
def test_a_load_that_nobody_could_carry_is_a_mistake_in_the_file(settings: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        scenario_of(TEXT, *settings)
