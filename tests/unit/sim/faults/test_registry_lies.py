"""A registry that lies: to each node something else, no more than a carrier hands in, and nothing comes of it."""

import pytest

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.events import AddressesFound, AddressesWithdrawn, RecordsHeard
from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_NODES_PER_EVENT_MAX, REGISTRY_RECORDS_PER_EVENT_MAX
from minicoin.core.records.record import decode_record, has_forged_signature
from minicoin.core.units import SECOND_US
from minicoin.sim.engine.run import record_of
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario

TEXT = """
name = "lies"
question = "Does it matter?"
[nodes]
count = {count}
[[nodes.group]]
name = "banks"
count = 4
signs = true
[network]
proof = "signers"
spacing_s = 5.0
own_messages = true
overlay = "everybody"
[topology]
source = "addrman"
[links]
geography = "uniform"
latency_ms = 20.0
transport = "named"
[mining]
duration_s = 40.0
[records]
rate_per_s = 0.5
kind = "status"
[[fault]]
kind = "registry-lies"
at_s = 2.0
until_s = 30.0
every_s = 4.0
"""
SMALL = TEXT.format(count=5)


class Told:
    """What the registry told whom, and when."""

    def __init__(self, text: str = SMALL) -> None:
        self.events: list[tuple[int, int, object]] = []
        simulation = self.simulation = Simulation(Scenario.from_toml(text), 1, ScriptedVerifier())
        tell = simulation.world.tell
        simulation.set_up(lambda progress: None)

        def listen(host, event) -> None:
            self.events.append((simulation.world.now - simulation.began_at, host.index, event))
            tell(host, event)

        simulation.world.tell = listen
        simulation.measure(lambda progress: None)

    def of(self, kind: type) -> list:
        return [(at_us, index, event) for at_us, index, event in self.events if isinstance(event, kind)]


def test_each_node_is_told_something_else_until_it_ends_and_all_agree() -> None:
    told = Told()
    record = record_of(told.simulation)
    assert record.violations == []
    (fault,) = record.faults
    assert (fault.kind, fault.fired) == ("registry-lies", len(told.events))
    assert {at_us for at_us, *_ in told.events} == {turn * 4 * SECOND_US + 2 * SECOND_US for turn in range(7)}
    assert {index for _, index, _ in told.events} == set(range(5))
    true = [host.address for host in told.simulation.honest]
    peers = {address.peer_id for address in true}
    for at_us in {at_us for at_us, *_ in told.events}:
        found = [event for at, _, event in told.of(AddressesFound) if at == at_us]
        assert len({event.addresses for event in found}) == 5
        moved = [timed.address for event in found for timed in event.addresses if timed.address.peer_id in peers]
        assert moved and not set(moved) & set(true)
    assert all(set(event.addresses) == set(true) - {true[index]} for _, index, event in told.of(AddressesWithdrawn))


def test_records_are_old_forged_of_strangers_or_none() -> None:
    told = Told()
    network_id = told.simulation.world.network.network_id
    kinds: dict[str, int] = {"none": 0, "forged": 0, "valid": 0}
    for _, _, event in told.of(RecordsHeard):
        for raw in event.records:
            try:
                record = decode_record(raw)
            except DecodeError:
                kinds["none"] += 1
            else:
                kinds["forged" if has_forged_signature(record, network_id) else "valid"] += 1
    assert min(kinds.values()) > 0


BARE = """
name = "lies"
question = "Does it matter?"
[nodes]
count = {count}
[network]
own_messages = true
[topology]
source = "{source}"
{more}
[mining]
duration_s = 3.0
settle_s = 1.0
[check]
heal_s = 1.0
[links]
transport = "{transport}"
[[fault]]
kind = "registry-lies"
at_s = 2.0
"""


def test_it_hands_in_no_more_than_a_carrier_does() -> None:
    told = Told(
        BARE.format(count=REGISTRY_NODES_PER_EVENT_MAX + 2, source="addrman", transport="named", more="outbound = 1")
    )
    assert {len(event.addresses) for _, _, event in told.of(AddressesFound)} == {REGISTRY_NODES_PER_EVENT_MAX}
    assert {len(event.addresses) for _, _, event in told.of(AddressesWithdrawn)} == {REGISTRY_NODES_PER_EVENT_MAX}
    assert max(len(event.records) for _, _, event in told.of(RecordsHeard)) <= REGISTRY_RECORDS_PER_EVENT_MAX


@pytest.mark.parametrize(
    ("source", "transport", "problem"),
    [
        ("complete", "named", "fault[0].kind: needs topology.source = 'addrman'"),
        ("addrman", "plain", "fault[0].kind: a registry names peer ids"),
    ],
)
def test_where_it_would_do_nothing_it_is_refused(source: str, transport: str, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(BARE.format(count=3, source=source, transport=transport, more=""))
    assert problem in str(caught.value)
