"""One bank's admission as a part, driven by hand."""

from tests.unit.alarms import check_alarm
from tests.unit.signers.banks import BANKS, DRAFT, FIRST, KEYS, peer, public

from minicoin.core.admission.flow import AdmissionFlow
from minicoin.core.admission.state import AdmissionState
from minicoin.core.answers import Reason
from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.connmgr.connections import ConnectionManager
from minicoin.core.connmgr.slots import ConnectionPolicy
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.held import Taken
from minicoin.core.records.kinds import ADMISSION, ADMISSION_DRAFT
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.records.store import RecordStore
from minicoin.core.rng import Rng
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import ConnId, Micros, RequestId

NOW = Micros(1_700_000_000_000_000)
NETWORK_ID = REGTEST.network_id
ASKED = RequestId(1)


class Bank:
    """One node's part, without the node. The list of a height is known up to `known`."""

    def __init__(self, number: int | None = 0, own: int = 1, state: AdmissionState | None = None) -> None:
        self.known = 7
        self.accused: list[object] = []
        self.emitted: list[object] = []
        self.changes: list[Micros] = []
        self.replies: list[object] = []
        self.refusals: list[tuple[Reason, str]] = []
        self.now = NOW
        policy = ConnectionPolicy(8, 0, 0, 20, BanPolicy(), is_private_network=True)
        self.connections = ConnectionManager(policy, lambda address: b"", Rng(b"connections"))
        self.store = RecordStore(REGTEST, None, lambda height: BANKS if 1 <= height <= self.known else None)
        keys = () if number is None else (public(KEYS[number]),)
        self.flow = AdmissionFlow(
            state or AdmissionState(FIRST),
            self.store,
            self.connections,
            self,
            lambda height: BANKS if 1 <= height <= self.known else None,
            lambda: self.known - 1,
            self.accused.append,
            own_keys=OwnKeys(keys),
            own_peer_id=peer(own),
            on_changed=self.changes.append,
        )
        self.flow.on_start(NOW)

    def emit(self, *effects: object) -> None:
        self.emitted += effects

    def reply(self, request: RequestId | None, answer: object) -> None:
        self.replies.append(answer)

    def refuse(self, request: RequestId | None, reason: Reason, text: str) -> None:
        self.refusals.append((reason, text))

    def run(self) -> list[object]:
        """What is due is done, until nothing is."""
        done: list[object] = []
        check_alarm(self.flow)
        while (deadline := self.flow.next_deadline()) is not None and deadline <= self.now:
            done += self.flow.on_deadline(self.now)
            check_alarm(self.flow)
        return done

    def take(self, record: SignedRecord, group: bytes = b"g") -> Taken:
        return self.store.take(record, group, self.now)

    def connect(self, conn: int, number: int) -> None:
        self.connections.on_opened(ConnId(conn), NodeAddress("127.0.0.1", 4000 + conn, peer(number)), True, self.now)


def made(record: AdmissionRecord = DRAFT, by: int = 4) -> SignedRecord:
    for key in KEYS[:by]:
        record = record.signed_by(key, NETWORK_ID)
    return statement_record(ADMISSION, record.version, record.body(), record.signatures)


def draft_of(number: int, record: AdmissionRecord = DRAFT) -> SignedRecord:
    record = record.signed_by(KEYS[number], NETWORK_ID)
    return statement_record(ADMISSION_DRAFT, record.version, record.body(), record.signatures)
