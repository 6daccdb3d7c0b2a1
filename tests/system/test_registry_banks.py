"""Five banks that know of each other by a registry alone, under load: a sixth comes, one goes, nobody restarts for it;
the registry dies while they restart, comes back, and lies.

Each step is held by states. How soon an expelled bank is cut off is held in virtual time by
tests/unit/node/test_virtual_banks.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.soak import IS_SOAK
from tests.waiting import wait_until

from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.records.kinds import ADMISSION
from minicoin.core.records.record import SignedRecord, statement_record
from minicoin.core.signers.admission import AdmissionRecord, admission_record
from minicoin.drivers.registry.content import Place as Below
from minicoin.drivers.registry.content import encode_entry, record_name

from .bank_processes import Bank, Consortium, Load, consortium, wait_all_met
from .test_registry_contract import KINDS, Place

# One registry shows what the nodes do with any; that the kinds are alike is the contract's.
SHOWN = tuple(KINDS) if IS_SOAK else ("etcd",)
MAX_AGE_S = 2


@pytest.mark.parametrize("kind", SHOWN)
def test_banks_live_by_a_registry_and_outlive_it(kind: str, tmp_path: Path) -> None:
    with (
        KINDS[kind](tmp_path) as place,
        consortium(tmp_path / "lab", (*place.words, "--registry-max-age", str(MAX_AGE_S)), 5, 6) as (banks, load),
    ):
        wait_all_met(banks.banks)
        load.wait_more(len(banks.banks))
        old = banks.banks[0].admission["hex"]
        a_sixth_comes(banks, load)
        first = banks.banks[0].admission["hex"]
        assert first != old
        one_goes(banks, load)
        the_registry_dies_while_all_restart(banks, load, place)
        it_comes_back(banks, load, place)
        it_lies(banks, load, place, AdmissionRecord.decode(bytes.fromhex(first)))


def a_sixth_comes(banks: Consortium, load: Load) -> None:
    sixth = banks.all[5]
    version = banks.admit([{"name": sixth.name, "member": sixth.member, "peerids": [sixth.peer_id]}])
    wait_all_at(banks.banks, version)
    anchor = banks.directory / "anchor.toml"
    anchor.write_text(banks.banks[1].call("getanchor"))
    sixth.start("--anchor", str(anchor))
    sixth.wait_up()
    banks.banks.append(sixth)
    wait_all_met(banks.banks)
    from_height = banks.change({sixth.name: sixth.member}, [], load)
    wait_until(lambda: sixth.height >= from_height, "the change's height")
    wait_until(lambda: all(sixth.name in banks.members(bank) for bank in banks.banks), "the sixth in all lists")
    wait_until(lambda: signed_lately(banks.banks[0], sixth), "a block that it signed")
    load.only(banks.banks)
    load.wait_more(len(banks.banks))


def one_goes(banks: Consortium, load: Load) -> None:
    gone = banks.banks.pop(4)
    load.only(banks.banks)
    version = banks.admit([], [gone.name])
    wait_all_at(banks.banks, version)
    wait_until(lambda: not gone.peers, f"that {gone} is cut off")
    # Whoever heard of it first hung up; the version itself comes by whatever way is left.
    wait_until(lambda: "does not name this node" in gone.warnings, f"{gone} to know why")
    assert "admission-lost" in gone.node.log
    wait_until(lambda: "the peer does not admit this node" in gone.node.log, "the reason in its log")
    # Its entry stands in the registry all the same, where everybody sees it, and nobody goes there.
    load.wait_more(3)
    from_height = banks.change({}, [gone.name], load)
    wait_until(lambda: banks.banks[0].height > from_height, "the change's height")
    wait_until(lambda: all(gone.name not in banks.members(bank) for bank in banks.banks), "the list without it")
    wait_all_met(banks.banks)
    assert not gone.peers
    load.wait_more(len(banks.banks))


def the_registry_dies_while_all_restart(banks: Consortium, load: Load, place: Place) -> None:
    for bank in banks.banks:
        wait_until(lambda bank=bank: has_kept(bank, banks.banks), f"what {bank} keeps")
    place.lose()
    for bank in banks.banks:
        wait_until(lambda bank=bank: bank.registry["unreachable_since"], f"{bank} to notice")
    for bank in list(banks.banks):
        rest = [other for other in banks.banks if other is not bank]
        load.only(rest)
        bank.kill()
        bank.forget_addresses()
        load.wait_more(1)
        bank.start()
        bank.wait_up()
        wait_all_met(banks.banks)
        load.only(banks.banks)
    wait_until(lambda: banks.banks[0].registry["unreachable_since"], "that it is missed")
    told = banks.banks[0].registry
    assert (told["connected_since"], told["nodes_listed"]) == (None, 0)
    assert told["nodes"] >= len(banks.banks) - 1 and told["error"]
    load.wait_more(len(banks.banks))


def it_comes_back(banks: Consortium, load: Load, place: Place) -> None:
    place.bring_back()
    for bank in banks.banks:
        wait_until(lambda bank=bank: bank.registry["connected_since"], f"{bank} to come back")
        wait_until(lambda bank=bank: bank.registry["announced"], f"the entry of {bank}")
        wait_until(lambda bank=bank: not bank.warnings, f"that all is well at {bank}")
    load.wait_more(len(banks.banks))
    banks.check_agreed()


def it_lies(banks: Consortium, load: Load, place: Place, old: AdmissionRecord) -> None:
    """What is old, forged or foreign, and at last a version that a quorum signed twice."""
    one, two = banks.banks[:2]
    held = AdmissionRecord.decode(bytes.fromhex(one.admission["hex"]))
    write(place, 1, record_of(old))
    forged = replace(held, version=held.version + 1)
    write(place, 2, record_of(forged))
    few = admission_record(held.version + 2, 1, held.hash, held.rows)
    write(place, 3, record_of(few.signed_by(one.key, banks.network.network_id)))
    place.write(Below(PeerId.parse(two.peer_id).multihash).key, entry_of(banks, two))
    place.write("nobody/node", b"nothing")
    for bank in banks.banks:
        wait_until(lambda bank=bank: bank.registry["ignored"], f"a warning of {bank}")
        wait_until(lambda bank=bank: "records-ignored" in bank.node.log, f"another of {bank}")
    load.wait_more(len(banks.banks))
    assert {bank.admission["hex"] for bank in banks.banks} == {held.encode().hex()}
    # Whoever finds another entry in the place of its own writes its own again.
    for bank in banks.banks:
        wait_until(lambda bank=bank: bank is two or two.node.address in kept(bank), f"where {two} is, at {bank}")
    split = admission_record(
        held.version, held.height, held.previous, [row for row in held.rows if row.name != one.name]
    )
    for bank in banks.banks:
        split = split.signed_by(bank.key, banks.network.network_id)
    write(place, 4, record_of(split))
    for bank in banks.banks:
        wait_until(lambda bank=bank: "two contents of version" in bank.warnings, f"that {bank} shows it")
    assert {bank.admission["hash"] for bank in banks.banks} == {held.hash.hex()}
    wait_all_met(banks.banks)
    load.wait_more(len(banks.banks))
    banks.check_agreed()


def wait_all_at(banks: Sequence[Bank], version: int) -> None:
    for bank in banks:
        wait_until(lambda bank=bank: bank.admission["version"] == version, f"version {version} at {bank}")


def signed_lately(teller: Bank, signer: Bank) -> bool:
    return any(row["key"] == signer.member and row["signed"] for row in teller.call("listmembers")["members"])


def kept(bank: Bank) -> str:
    """Of the registry, on its disk."""
    path = bank.datadir / "state" / "registry"
    return path.read_text() if path.exists() else ""


def has_kept(bank: Bank, banks: Sequence[Bank]) -> bool:
    met = {line.split()[1] for line in kept(bank).splitlines() if " met " in line}
    return {other.peer_id for other in banks if other is not bank} <= met


def record_of(record: AdmissionRecord) -> SignedRecord:
    return statement_record(ADMISSION, record.version, record.body(), record.signatures)


def write(place: Place, stranger: int, record: SignedRecord) -> None:
    """Below the peer id of a node that does not run: one that does writes its own in the place of what it finds."""
    below = Below(Identity.from_number(stranger).peer_id.multihash, record_name(record))
    place.write(below.key, record.encode())


def entry_of(banks: Consortium, bank: Bank) -> bytes:
    """That it listens where nobody does."""
    nowhere = NodeAddress("127.0.0.1", 1, PeerId.parse(bank.peer_id).multihash)
    return encode_entry(banks.network.network_id, (nowhere,))
