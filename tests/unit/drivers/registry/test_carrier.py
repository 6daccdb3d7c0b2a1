"""The carrier between a registry by hand and a node by hand, in virtual time: what it writes, what it tells the core,
and what it does when the registry fails it."""

import pytest
import trio
import trio.lowlevel
from tests.unit.records.world import ALICE, BOB, CAROL, DAVE, NETWORK, record_of
from trio.testing import MockClock

from minicoin.core.events import AddressesFound, AddressesWithdrawn, RecordsHeard
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import (
    REGISTRY_NODES_PER_EVENT_MAX,
    REGISTRY_RECORDS_PER_EVENT_MAX,
    REGISTRY_RECORDS_PER_NODE_MAX,
    REGISTRY_WARNING_AFTER_US,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import MINUTE_US, SECOND_US, Micros
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.registry.carrier import RegistryCarrier
from minicoin.drivers.registry.content import Place, encode_entry, record_name
from minicoin.drivers.registry.port import RegistryRefused, RegistryUnavailable
from minicoin.drivers.reports import RegistryConnected, RegistryLost, RegistryWarned

START_US = 1_700_000_000 * SECOND_US
MAX_AGE_US = 5 * MINUTE_US


def peer(identity: Identity) -> bytes:
    return identity.peer_id.multihash


def address(identity: Identity, port: int = 1) -> NodeAddress:
    return NodeAddress("10.0.0.1", port, peer(identity))


def key(identity: Identity) -> str:
    return Place(peer(identity)).key


def entry(identity: Identity, port: int = 1, network_id: bytes = NETWORK.network_id) -> bytes:
    return encode_entry(network_id, [address(identity, port)])


@pytest.fixture(autouse=True)
def disk_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time goes on while a thread works, so that nothing is left to one here."""

    async def run(work):
        return work()

    monkeypatch.setattr("minicoin.drivers.registry.carrier.in_thread", run)


class HandRegistry:
    """Values that a test changes; it fails as long as there is a reason to."""

    kind = "hand"
    endpoint = "hand://"
    problems: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.failure: RegistryUnavailable | None = None
        self.write_failure: RegistryUnavailable | None = None
        self.readings = 0
        self.is_closed = False
        self._told = trio.Event()

    def change(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value
        self.wake()

    def fail(self, failure: RegistryUnavailable | None) -> None:
        self.failure = failure
        self.wake()

    def wake(self) -> None:
        self._told.set()
        self._told = trio.Event()

    async def hold(self, key, value, lease_us, holder) -> None:
        self._check(self.write_failure)
        previous = self.values.get(key)
        self.change(key, value)
        holder.on_held(previous if previous != value else None)
        while True:
            holder.on_renewed()
            await trio.sleep(lease_us / 3 / SECOND_US)
            self._check(self.write_failure)

    async def put(self, key, value) -> None:
        self._check(self.write_failure)
        self.change(key, value)

    async def remove(self, key) -> None:
        self._check(self.write_failure)
        self.change(key, None)

    async def watch(self, watcher) -> None:
        told: dict[str, bytes] = {}
        while True:
            self._check()
            self.readings += 1
            for name, value in self.values.items():
                if told.get(name) != value:
                    watcher.on_value(name, value)
            told = dict(self.values)
            watcher.on_whole(list(told))
            await self._told.wait()

    async def close(self) -> None:
        self.is_closed = True

    def _check(self, more: RegistryUnavailable | None = None) -> None:
        failure = self.failure or more
        if failure is not None:
            raise failure


class HandNode:
    """Alice's."""

    network_id = NETWORK.network_id
    peer_id = peer(ALICE)

    def __init__(self) -> None:
        self.connected: list[bytes] = []
        self.held: list = []
        self.record_changes = 0
        self.listens = True
        self.port = 1

    def addresses(self):
        return (address(ALICE, self.port),) if self.listens else ()

    def peers(self):
        return self.connected

    def records(self):
        return self.held

    def hold(self, *records) -> None:
        self.held = list(records)
        self.record_changes += 1


class Bench:
    """One carrier at work; a further one on the same directory is a restart."""

    def __init__(self, directory, registry: HandRegistry | None = None) -> None:
        self.registry = registry or HandRegistry()
        self.node = HandNode()
        self.events: list = []
        self.reports: list = []
        documents = DocumentStore(directory / "state")
        self.carrier = RegistryCarrier(
            self.registry, self.node, documents, self.events.append, self.reports.append, self.now, MAX_AGE_US
        )

    def now(self) -> Micros:
        return Micros(START_US + int(trio.current_time() * SECOND_US))

    def take(self, kind) -> list:
        found = [event for event in self.events if isinstance(event, kind)]
        for event in found:
            self.events.remove(event)
        return found

    def found(self) -> list[NodeAddress]:
        return [timed.address for event in self.take(AddressesFound) for timed in event.addresses]

    def withdrawn(self) -> list[NodeAddress]:
        return [one for event in self.take(AddressesWithdrawn) for one in event.addresses]

    def heard(self) -> list[bytes]:
        return [raw for event in self.take(RecordsHeard) for raw in event.records]

    @property
    def warned(self) -> list[str]:
        return [report.reason for report in self.reports if isinstance(report, RegistryWarned)]


def run(directory, main, registry=None) -> None:
    """`main` is handed the bench and drives it; time passes when nothing else happens."""

    async def whole() -> None:
        bench = Bench(directory, registry() if registry is not None else None)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.carrier.run)
            await trio.sleep(0.3)
            await main(bench)
            nursery.cancel_scope.cancel()
        assert bench.registry.is_closed

    trio.run(whole, clock=MockClock(autojump_threshold=0))


def test_our_entry_stands_there_and_what_others_left_is_told(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        assert bench.registry.values == {key(ALICE): entry(ALICE)}
        assert bench.reports == [RegistryConnected("hand://", 0)]
        bench.registry.change(key(BOB), entry(BOB))
        bench.registry.change(key(CAROL), entry(CAROL))
        await trio.sleep(0.3)
        assert bench.found() == [address(BOB), address(CAROL)]
        bench.registry.change(key(BOB), entry(BOB, 2))
        await trio.sleep(0.3)
        assert (bench.withdrawn(), bench.found()) == ([address(BOB)], [address(BOB, 2)])
        status = bench.carrier.status()
        assert (status.nodes, status.nodes_listed, status.is_announced, status.error) == (2, 2, True, "")

    run(tmp_path, main)


def test_an_address_that_is_learned_later_or_changes_is_told_then(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        bench.node.listens = False
        await trio.sleep(3)
        assert not bench.carrier.status().is_announced
        bench.node.listens = True
        await trio.sleep(3)
        assert bench.registry.values == {key(ALICE): entry(ALICE)} and bench.carrier.status().is_announced
        bench.node.port = 2
        await trio.sleep(3)
        assert bench.registry.values == {key(ALICE): entry(ALICE, 2)} and bench.carrier.status().is_announced

    run(tmp_path, main)


def test_who_leaves_is_taken_back_unless_we_met_him(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        bench.registry.change(key(BOB), entry(BOB))
        bench.registry.change(key(CAROL), entry(CAROL))
        bench.node.connected = [peer(BOB)]
        await trio.sleep(1.5)
        bench.registry.change(key(BOB), None)
        bench.registry.change(key(CAROL), None)
        await trio.sleep(0.3)
        assert bench.withdrawn() == [address(CAROL)]
        assert (bench.carrier.status().nodes, bench.carrier.status().nodes_listed) == (1, 0)

    run(tmp_path, main)


def test_a_registry_that_is_gone_is_warned_of_after_ten_minutes_and_only_who_was_never_met_is_refused(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        bench.registry.change(key(BOB), entry(BOB))
        bench.registry.change(key(CAROL), entry(CAROL))
        bench.node.connected = [peer(BOB)]
        await trio.sleep(1.5)
        assert bench.found() == [address(BOB), address(CAROL)]
        bench.registry.fail(RegistryUnavailable("no route"))
        await trio.sleep(MAX_AGE_US / SECOND_US - 5)
        assert bench.withdrawn() == [] and bench.warned == []
        assert bench.reports[-1] == RegistryLost("hand://", "no route")
        await trio.sleep(10)
        assert bench.withdrawn() == [address(CAROL)]
        assert bench.carrier.status().warnings == ()
        await trio.sleep(REGISTRY_WARNING_AFTER_US / SECOND_US)
        assert bench.warned == ["not reached for 10 minutes: no route"]
        assert bench.carrier.status().warnings == ("registry hand://: not reached for 15 minutes: no route",)
        status = bench.carrier.status()
        assert (status.nodes, status.connected_since, status.error) == (1, None, "no route")
        bench.registry.fail(None)
        await trio.sleep(11)
        assert bench.found() == [address(BOB), address(CAROL)]
        assert isinstance(bench.reports[-1], RegistryConnected)
        assert bench.carrier.status().warnings == () and bench.carrier.status().is_announced
        bench.registry.problems = ("the key is none",)
        assert bench.carrier.status().warnings == ("the key is none",)

    run(tmp_path, main)


def gone() -> HandRegistry:
    registry = HandRegistry()
    registry.failure = RegistryUnavailable("no route")
    return registry


def test_what_was_kept_is_told_after_a_restart_with_its_age(tmp_path) -> None:
    async def before(bench: Bench) -> None:
        bench.registry.change(key(BOB), entry(BOB))
        bench.registry.change(key(CAROL), entry(CAROL))
        bench.node.connected = [peer(BOB)]
        await trio.sleep(1.5)

    async def soon(bench: Bench) -> None:
        assert bench.found() == [address(BOB), address(CAROL)]
        assert bench.carrier.status().last_heard == START_US // SECOND_US

    async def late(bench: Bench) -> None:
        assert (bench.found(), bench.withdrawn()) == ([address(BOB)], [address(CAROL)])

    run(tmp_path, before)
    run(tmp_path, soon, gone)
    global START_US
    began, START_US = START_US, START_US + MAX_AGE_US + 10 * SECOND_US
    try:
        run(tmp_path, late, gone)
    finally:
        START_US = began


def test_what_was_kept_and_is_damaged_is_set_aside_with_a_word(tmp_path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "registry").write_text("minicoin kept 1\nnetwork 00\n")

    async def main(bench: Bench) -> None:
        assert "was damaged (of another network)" in bench.warned[0]
        assert (tmp_path / "state" / "registry.damaged.new").exists()

    run(tmp_path, main)


def test_what_cannot_be_read_is_a_warning_and_nothing_else(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        for name, value in (
            (key(BOB), b"\xff"),
            (key(CAROL), entry(DAVE)),
            (key(DAVE), entry(DAVE, network_id=bytes(32))),
            ("nonsense", b""),
            ("nonsense", b"again"),
        ):
            bench.registry.change(name, value)
            await trio.sleep(0.3)
        assert bench.carrier.status().ignored == 5 and len(bench.warned) == 4
        assert not bench.found() and not bench.heard()
        for number in range(300):
            bench.registry.change(f"nonsense{number}", b"")
            await trio.lowlevel.checkpoint()
        await trio.sleep(0.3)
        assert bench.carrier.status().ignored >= 300 and len(bench.warned) == 100

    run(tmp_path, main)


def test_the_core_is_told_of_many_a_few_at_a_time(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        many = [Identity.from_number(number) for number in range(100, 100 + REGISTRY_NODES_PER_EVENT_MAX + 20)]
        for one in many:
            bench.registry.values[key(one)] = entry(one)
        for number in range(REGISTRY_RECORDS_PER_EVENT_MAX + 4):
            bench.registry.values[Place(peer(BOB), f"x-{number}").key] = b"record %d" % number
        bench.registry.wake()
        await trio.sleep(1)
        assert [len(event.addresses) for event in bench.take(AddressesFound)] == [REGISTRY_NODES_PER_EVENT_MAX, 20]
        assert [len(event.records) for event in bench.take(RecordsHeard)] == [REGISTRY_RECORDS_PER_EVENT_MAX, 4]

    run(tmp_path, main)


def test_one_node_leaves_no_more_records_than_are_looked_at(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        for number in range(REGISTRY_RECORDS_PER_NODE_MAX + 3):
            bench.registry.values[Place(peer(BOB), f"x-{number}").key] = b"record %d" % number
        bench.registry.wake()
        await trio.sleep(2)
        assert len(bench.heard()) == REGISTRY_RECORDS_PER_NODE_MAX
        assert bench.carrier.status().ignored == 3

    run(tmp_path, main)


def test_records_of_others_are_told_once_a_minute_whoever_holds_copies(tmp_path) -> None:
    raw = record_of(ALICE, BOB, kind="config", key="k").encode()

    async def main(bench: Bench) -> None:
        for one in (BOB, CAROL):
            bench.registry.change(Place(peer(one), "config-1").key, raw)
        await trio.sleep(1)
        assert bench.heard() == [raw] and bench.carrier.status().records == 1
        await trio.sleep(61)
        assert bench.heard() == [raw]

    run(tmp_path, main)


def test_records_that_keys_of_the_network_signed_are_left_below_our_peer_id(tmp_path) -> None:
    old = record_of(ALICE, BOB, kind="config", key="k", value=b"old")
    new = record_of(ALICE, BOB, kind="config", key="k", value=b"new", version=old.version + 1)
    place = Place(peer(ALICE), record_name(old)).key

    async def main(bench: Bench) -> None:
        bench.node.hold(old, record_of(ALICE, kind="status"))
        await trio.sleep(1.5)
        assert bench.registry.values == {key(ALICE): entry(ALICE), place: old.encode()}
        bench.node.hold(new)
        await trio.sleep(1.5)
        assert bench.registry.values[place] == new.encode()
        # A node that was set back does not set the registry back.
        bench.node.hold(old)
        await trio.sleep(15)
        assert bench.registry.values[place] == new.encode()
        bench.node.hold()
        await trio.sleep(25)
        assert bench.registry.values == {key(ALICE): entry(ALICE)}

    run(tmp_path, main)


@pytest.mark.parametrize("kind", ["change", "settings-change"])
def test_drafts_of_changes_are_left_by_whoever_made_them(tmp_path, kind) -> None:
    ours, theirs = (record_of(one, kind=kind, key="k") for one in (ALICE, BOB))

    async def main(bench: Bench) -> None:
        bench.node.hold(theirs, ours)
        await trio.sleep(1.5)
        place = Place(peer(ALICE), record_name(ours)).key
        assert bench.registry.values == {key(ALICE): entry(ALICE), place: ours.encode()}

    run(tmp_path, main)


def test_what_is_refused_is_told_at_once_and_again_when_it_comes_back(tmp_path) -> None:
    async def main(bench: Bench) -> None:
        bench.registry.write_failure = RegistryRefused("no right to write")
        bench.registry.change(key(BOB), entry(BOB))
        await trio.sleep(30)
        status = bench.carrier.status()
        assert bench.found() == [address(BOB)]
        assert (status.error, status.is_announced, status.warnings) == (
            "no right to write",
            False,
            ("no right to write",),
        )
        assert bench.warned == ["no right to write"]
        bench.registry.write_failure = None
        await trio.sleep(11)
        assert bench.carrier.status().warnings == () and bench.carrier.status().is_announced
        bench.registry.write_failure = RegistryRefused("no right to write")
        await trio.sleep(30)
        assert bench.warned == 2 * ["no right to write"]

    run(tmp_path, main)


@pytest.mark.parametrize("lie", [entry(ALICE, 9), b"nothing", None])
def test_our_entry_is_written_again_where_somebody_else_replaced_or_removed_it(lie, tmp_path) -> None:
    async def main(bench: Bench) -> None:
        assert bench.registry.values[key(ALICE)] == entry(ALICE)
        bench.registry.change(key(ALICE), lie)
        await trio.sleep(5)
        # A watch may be late, and tell what stood there before.
        assert bench.registry.values.get(key(ALICE)) == lie and not bench.warned
        await trio.sleep(10)
        assert bench.registry.values[key(ALICE)] == entry(ALICE)
        assert "replaced or removed by somebody else" in bench.warned[0]
        warned = list(bench.warned)
        await trio.sleep(60)
        assert bench.warned == warned and bench.registry.values[key(ALICE)] == entry(ALICE)

    run(tmp_path, main)


def test_our_entry_is_watched_also_where_it_was_placed_anew_and_nothing_changed(tmp_path) -> None:
    """As after the registry's return: what stood there is there again, and a watch tells changes only."""

    async def main(bench: Bench) -> None:
        bench.registry.write_failure = RegistryUnavailable("no session")
        await trio.sleep(20)
        assert not bench.carrier.status().is_announced
        bench.registry.write_failure = None
        await trio.sleep(20)
        assert bench.carrier.status().is_announced and bench.registry.values[key(ALICE)] == entry(ALICE)
        bench.registry.change(key(ALICE), entry(ALICE, 9))
        await trio.sleep(20)
        assert bench.registry.values[key(ALICE)] == entry(ALICE)

    run(tmp_path, main)


def test_another_entry_below_our_peer_id_is_a_warning(tmp_path) -> None:
    def taken() -> HandRegistry:
        registry = HandRegistry()
        registry.values[key(ALICE)] = entry(ALICE, 9)
        return registry

    async def main(bench: Bench) -> None:
        assert ["two nodes run with one identity" in reason for reason in bench.warned] == [True]
        assert bench.registry.values == {key(ALICE): entry(ALICE)} and not bench.found()

    run(tmp_path, main, taken)
