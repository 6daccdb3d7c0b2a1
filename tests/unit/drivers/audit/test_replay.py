"""A log says by itself who signed, who might connect and what was set at any height, also after crashes."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from tests.unit.chain.five_banks import KEYS, maker
from tests.unit.chain.recovered_banks import behind, recovery
from tests.unit.netsync.banks_chain import FOUNDERS, JOINED, LEFT, RENEWED, ROLLED, keys_at

from minicoin.core.events import RecordsHeard
from minicoin.core.faults import DecodeError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.records.kinds import ADMISSION, CONFIGURATION
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.rng import Rng
from minicoin.core.signers.admission import AdmissionRow, AdmittedRole, admission_record, first_admission
from minicoin.core.signers.settings import configuration_record
from minicoin.core.units import SECOND_US
from minicoin.drivers.audit.entry import AuditEntry, EntryKind
from minicoin.drivers.audit.replay import replay
from minicoin.drivers.audit.verify import read_entries, verify_log
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.certified_chain import CertifiedMaker, public, signer_network
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World

from .audited import AuditedHost, append, made, vote

LENGTH = 45
CHANGES = {10: JOINED, 20: LEFT, 30: RENEWED}
"""Members that join, that leave, and a key that is rolled, by the height from which they hold."""
SETTINGS = {14: "3", 33: "2"}


def world_of(network: Network) -> World:
    settings = WorldSettings(b"audit", encodes=True, has_peer_ids=True)
    return World(network, KernelVerifier(1), uniform(20_000), settings)


@cache
def admitting_network() -> Network:
    """Whose first admission names the two nodes of its worlds."""
    plain = signer_network(FOUNDERS)
    known = world_of(plain)
    ids = [known.add_host().address.peer_id for _ in range(3)]
    rows = [AdmissionRow(f"Auditor {number}", AdmittedRole.OBSERVER, None, (one,)) for number, one in enumerate(ids)]
    assert isinstance(plain.proof, SignersKind)
    return replace(plain, proof=replace(plain.proof, admission=first_admission(rows).encode()))


@cache
def chain() -> CertifiedMaker:
    maker = CertifiedMaker(admitting_network(), (*JOINED, ROLLED))
    while maker.height < LENGTH:
        ahead = maker.height + 3
        members, interval = CHANGES.get(ahead), SETTINGS.get(ahead)
        maker.extend(
            change=None if members is None else maker.change(members),
            settings=None if interval is None else maker.change_settings(("min_interval_s", interval)),
        )
    return maker


class Fleet:
    """One node that has the chain, and one that follows it and keeps a log."""

    def __init__(self, directory: Path, maker: CertifiedMaker | None = None) -> None:
        maker = maker or chain()
        self.network = maker.network
        self.world = world_of(self.network)
        self.world.wait(LENGTH * 10 * SECOND_US, lambda: False)
        self.source = self.world.add_host(name="source")
        ledger = OwnLedger(self.network, self.world.book.verifier)
        self.source.disk.ledger = ledger
        for height, one in enumerate(maker.blocks, start=1):
            parent = ledger.engine.tip
            ledger.engine.store_block(one.raw, height, one.kept)
            ledger.engine.activate(parent, (one.raw.hash,))
        self.world.start(self.source, NodePolicy())
        self.follower = self.world.add_host(name="follower")
        self.follower.disk.ledger = OwnLedger(self.network, self.world.book.verifier)
        self.audited = AuditedHost(self.world, self.follower, directory)

    def start(self) -> None:
        self.world.start(self.follower, NodePolicy(add_nodes=(self.source.address,)))
        self.audited.start()

    def reach(self, height: int) -> bool:
        return self.world.wait(600 * SECOND_US, lambda: self.follower.height >= height)

    def kill(self, rng: Rng) -> None:
        self.world.stop(self.follower, "killed")
        ledger = self.follower.disk.ledger
        assert isinstance(ledger, OwnLedger)
        ledger.crash(rng)
        self.audited.kill(rng.below(6_000))

    def admit(self, host: Host, version: int) -> None:
        """A quorum signed another version, and the node hears of it."""
        height = max(1, host.height)
        admission = host.node.view.admission.state.current
        rows = [replace(row, name=f"{row.name} {version}") for row in admission.rows]
        record = admission_record(version, height, admission.hash, rows)
        for key in keys_at(height):
            record = record.signed_by(key, self.network.network_id)
        self._bring(host, statement_record(ADMISSION, version, record.body(), record.signatures))

    def configure(self, host: Host, version: int) -> None:
        """Likewise, of what they set."""
        height = max(1, host.height)
        before = host.node.view.configuration.state.current
        record = configuration_record(version, height, before.hash, [("alert", f"version {version}")])
        for key in keys_at(height):
            record = record.signed_by(key, self.network.network_id)
        self._bring(host, statement_record(CONFIGURATION, version, record.body(), record.signatures))

    def _bring(self, host: Host, record: SignedRecord) -> None:
        self.world.loop.handle(host, RecordsHeard("test", (record.encode(),)))


def taken(entries: list[AuditEntry], kind: EntryKind) -> list[tuple[int, int]]:
    """Where the node stood when it took each version up, as its log has it."""
    return [(0, 0), *((one.height, int(str(one.fields["version"]))) for one in entries if one.kind is kind)]


def check(fleet: Fleet, admissions: list[tuple[int, int]], height: int) -> None:
    """The log and the chain say the same of every height."""
    directory = fleet.audited.directory
    assert not fleet.audited.trouble and verify_log(directory).broken is None
    entries = [read.entry for read in read_entries(directory)]
    carried = fleet.follower.node.view.tree.signers.carried
    for at in range(1, height + 1):
        found = replay(entries, at)
        assert {key for _, key in found.members} == set(map(public, keys_at(at)))
        assert tuple(key for _, key in found.members) == carried.members.members_at(at).keys
        assert dict(found.settings)["min_interval_s"] == str(carried.settings.min_interval_s(at))
        assert found.admission.version == max(version for since, version in admissions if since <= at)
        configured = max(version for since, version in taken(entries, EntryKind.CONFIGURATION) if since <= at)
        assert found.configuration_version == configured
        assert found.configuration == ((("alert", f"version {configured}"),) if configured else ())
        assert (found.network, found.name) == (fleet.network.network_id.hex(), "banks")


def test_the_log_and_the_chain_say_the_same_of_every_height(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    fleet.start()
    assert fleet.reach(LENGTH)
    fleet.admit(fleet.follower, 1)
    fleet.configure(fleet.follower, 1)
    fleet.audited.stop()
    check(fleet, [(0, 0), (LENGTH, 1)], LENGTH)
    kinds = [read.entry.kind for read in read_entries(tmp_path)]
    assert kinds[:2] == [EntryKind.NETWORK, EntryKind.START] and kinds[-1] is EntryKind.STOP
    assert (kinds.count(EntryKind.MEMBERS), kinds.count(EntryKind.SETTINGS)) == (3, 2)
    assert not any(read.entry.fields.get("filled") for read in read_entries(tmp_path))


@pytest.mark.parametrize("seed", range(4))
def test_also_where_it_is_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    rng, fleet = Rng(b"killed %d" % seed), Fleet(tmp_path)
    for version in range(1, 4):
        fleet.start()
        fleet.reach(rng.below(LENGTH))
        fleet.admit(fleet.follower, version)
        fleet.configure(fleet.follower, version)
        fleet.kill(rng)
    fleet.start()
    assert fleet.reach(LENGTH)
    fleet.audited.stop()
    entries = [read.entry for read in read_entries(tmp_path)]
    view = fleet.follower.node.view
    for kind, state in (
        (EntryKind.ADMISSION, view.admission.state),
        (EntryKind.CONFIGURATION, view.configuration.state),
    ):
        assert {one.version for one in state.history} <= {version for _, version in taken(entries, kind)}
    check(fleet, taken(entries, EntryKind.ADMISSION), LENGTH)
    assert [entry.fields["version"] for entry in entries if entry.kind is EntryKind.MEMBERS] == [1, 2, 3]
    assert [entry.fields["version"] for entry in entries if entry.kind is EntryKind.SETTINGS] == [1, 2]


def test_a_recovery_takes_over_from_what_the_members_before_made(tmp_path: Path) -> None:
    made = maker(3)
    made.extend(change=made.change(KEYS[1:], from_height=9))
    after = behind(made, recovery(made))
    after.grow(3)
    after.extend(change=after.change(KEYS[:2]))
    after.grow(4)
    fleet = Fleet(tmp_path, after)
    fleet.start()
    assert fleet.reach(after.height)
    fleet.audited.kill(1_500)
    fleet.world.restart(fleet.follower)
    fleet.audited.start()
    fleet.audited.stop()
    entries = [read.entry for read in read_entries(tmp_path)]
    assert [entry.kind for entry in entries if entry.kind in (EntryKind.MEMBERS, EntryKind.RECOVERY)] == [
        EntryKind.MEMBERS,
        EntryKind.RECOVERY,
        EntryKind.MEMBERS,
    ]
    carried = fleet.follower.node.view.tree.signers.carried.members
    for height in range(1, after.height + 1):
        assert tuple(key for _, key in replay(entries, height).members) == carried.members_at(height).keys
    assert not verify_log(tmp_path).broken


def test_a_log_that_begins_late_says_what_the_chain_has(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    fleet.world.start(fleet.follower, NodePolicy(add_nodes=(fleet.source.address,)))
    assert fleet.reach(LENGTH)
    fleet.audited.start()
    fleet.audited.stop()
    check(fleet, [(0, 0)], LENGTH)
    filled = [read.entry for read in read_entries(tmp_path) if read.entry.fields.get("filled")]
    assert [entry.kind for entry in filled] == [*[EntryKind.MEMBERS] * 3, *[EntryKind.SETTINGS] * 2]


def test_a_log_without_its_beginning_is_not_replayed(tmp_path: Path) -> None:
    append(made(tmp_path), [vote(1)])
    entries = [read.entry for read in read_entries(tmp_path)]
    with pytest.raises(DecodeError, match="does not begin with its network"):
        replay(entries[1:], 1)
