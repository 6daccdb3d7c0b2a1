"""Which of the records that a node holds it leaves in a registry first."""

from tests.unit.evidence.bank import two_votes
from tests.unit.records.world import ALICE, BOB, record_of

from minicoin.core.limits import REGISTRY_RECORDS_PER_NODE_MAX
from minicoin.core.records.record import decode_record, evidence_record
from minicoin.drivers.registry.records import RegistryRecords


def test_evidence_takes_no_room_of_what_members_decide() -> None:
    evidence = [evidence_record(two_votes(1, height)) for height in range(1, REGISTRY_RECORDS_PER_NODE_MAX + 10)]
    decided = record_of(ALICE, BOB, kind="config", key="x")
    left = RegistryRecords(b"own").to_write([*evidence, decided])
    kinds = [decode_record(raw).kind for raw in left.values()]
    assert len(kinds) == REGISTRY_RECORDS_PER_NODE_MAX
    assert kinds[0] == "config" and set(kinds[1:]) == {"evidence"}
