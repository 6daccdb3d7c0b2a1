"""Identities, a network they belong to, and records made by them, for the tests of this room."""

from dataclasses import replace

from minicoin.core.libp2p.identity import Identity
from minicoin.core.params.builtin import lookup
from minicoin.core.records.kinds import KINDS
from minicoin.core.records.record import SignedRecord, unsigned_record, with_signature
from minicoin.core.records.store import RecordStore
from minicoin.core.units import Micros

NOW = Micros(1_700_000_000_000_000)
ALICE, BOB, CAROL, DAVE = (Identity.from_number(number) for number in range(1, 5))
NETWORK = replace(
    lookup("regtest"),
    alert_keys=(ALICE.peer_id.multihash,),
    founders=tuple(one.peer_id.multihash for one in (ALICE, BOB, CAROL)),
    founder_quorum=2,
)
GROUP = b"\x04\xcb\x00"
OTHER_GROUP = b"\x04\xc0\x00"


def signer_of(identity: Identity) -> bytes:
    return identity.peer_id.multihash


def record_of(
    *signers: Identity,
    kind: str = "status",
    key: str = "",
    value: bytes = b"here",
    version: int = NOW,
    life_us: int | None = None,
    network_id: bytes = NETWORK.network_id,
) -> SignedRecord:
    """Signed by these."""
    record = unsigned_record(KINDS[kind], key, value, version, life_us)
    for signer in signers or (ALICE,):
        record = with_signature(record, signer, network_id)
    return record


def store_of(identity: Identity | None = None) -> RecordStore:
    return RecordStore(NETWORK, identity)
