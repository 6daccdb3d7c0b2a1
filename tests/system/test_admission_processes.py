"""Admission as operators have it: processes, the command line, a kill -9, and a stranger's program at the door."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until

from minicoin.core.admission.state import AdmissionState
from minicoin.core.signers.admission import AdmissionRecord

from .bank_processes import Bank, Consortium, running
from .processes import run

REFUSAL = "the peer does not admit this node"


def start(bank: Bank) -> None:
    bank.start()
    bank.node.wait_up()


@contextmanager
def one_bank(directory: Path) -> Iterator[Bank]:
    banks = Consortium(directory / "banks", None, 1, 1)
    with running(banks):
        yield banks.banks[0]


def test_an_expelled_bank_is_out_at_once_and_stays_out(tmp_path: Path) -> None:
    banks = Consortium(tmp_path / "banks", None, 4, 4)
    with running(banks):
        first, second, third, fourth = banks.banks
        wait_until(lambda: len(first.peers) == 3, "the banks' connections")
        told = first.cli("admission propose --expel 'Bank D'")
        assert "signed version 1" in told and "2 more must sign" in told
        assert "Bank D is left out and stays a member" in told and "exactly a quorum" in told
        wait_until(lambda: all(bank.admission["drafts"] for bank in (second, third)), "the draft")
        second.call("approveadmission", 1)
        third.cli("admission approve 1")
        wait_until(lambda: all(bank.admission["version"] == 1 for bank in banks.banks), "the version")
        wait_until(lambda: not fourth.peers, "the end of its connections")
        assert "admission-lost" in fourth.node.log
        assert "does not name this node" in fourth.warnings
        left = fourth.node
        wait_until(lambda: REFUSAL in left.log, "the reason in its log")
        wait_until(lambda: len(first.peers) == 2, "the others")

        # Nobody restarted so far. Who was expelled finds no way back by that, either.
        for bank in banks.banks:
            bank.stop()
        start(first)
        assert first.admission["version"] == 1
        assert "Bank D" not in first.cli("admission list")
        refusals = left.log.count(REFUSAL)
        start(fourth)
        wait_until(lambda: fourth.node.log.count(REFUSAL) > refusals, "another refusal")
        assert not first.peers


def test_what_a_node_goes_by_survives_the_hardest_end(tmp_path: Path) -> None:
    with one_bank(tmp_path) as only:
        first = AdmissionRecord.decode(bytes.fromhex(only.admission["hex"]))
        stranger = "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"
        assert only.call("proposeadmission", [{"name": "Auditor", "peerids": [stranger]}])["missing"] == 0
        wait_until(lambda: only.admission["version"] == 1, "the version")

        def on_disk() -> int:
            raw = (only.datadir / "state/admission").read_bytes()
            return AdmissionState.from_bytes(raw, first, raw[5:37]).current.version

        wait_until(lambda: on_disk() == 1, "the disk")
        only.kill()
        start(only)
        found = only.admission
        assert found["version"] == 1 and [bank["name"] for bank in found["banks"]] == ["Auditor", "Bank A"]
        assert found["signed"]["version"] == 1


def test_a_visitor_learns_nothing_but_the_refusal(tmp_path: Path) -> None:
    with one_bank(tmp_path) as bank:
        said = run(f"minicoin net ping {bank.address} 2>&1 || true", bank.network)
        assert "does not admit this node" in said and "/minicoin" not in said
