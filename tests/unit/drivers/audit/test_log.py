"""The log of a running node: it says when the node starts and stops, and is never in its way."""

from pathlib import Path

from tests.unit.node.bench import Bench

from minicoin.core.notices import SigningStopped
from minicoin.drivers.audit.entry import EntryKind
from minicoin.drivers.audit.files import audit_files
from minicoin.drivers.audit.log import Audited, AuditLog
from minicoin.drivers.audit.verify import read_entries, verify_log
from minicoin.testing.certified_chain import signer_network, signing_keys

from .audited import NOW, append, made, vote

NETWORK = signer_network(signing_keys(4))


def log_of(directory: Path, trouble: list[str]) -> AuditLog:
    return AuditLog(directory, Audited(Bench(network=NETWORK).node.view, (), "1.2.3"), trouble.append)


def test_a_start_says_who_and_with_which_version_and_a_stop_why(tmp_path: Path) -> None:
    trouble = list[str]()
    log = log_of(tmp_path, trouble)
    # Before the start there is nothing to write to.
    log.take(NOW, SigningStopped("early"))
    log.start(NOW)
    log.take(NOW, SigningStopped("its key is used twice"))
    log.stop(NOW, "asked to stop")
    entries = [read.entry for read in read_entries(tmp_path)]
    assert [entry.kind for entry in entries] == [
        EntryKind.NETWORK,
        EntryKind.START,
        EntryKind.SIGNING_STOPPED,
        EntryKind.STOP,
    ]
    assert entries[1].fields["version"] == "1.2.3" and entries[1].fields["members"] == []
    assert entries[3].fields == {"reason": "asked to stop"}
    status = log.status()
    assert (status.entries, status.head, status.warnings) == (4, verify_log(tmp_path).head, ())
    assert not trouble


def test_a_line_that_a_crash_cut_is_told_to_be_gone(tmp_path: Path) -> None:
    trouble = list[str]()
    for _ in range(2):
        log = log_of(tmp_path, trouble)
        log.start(NOW)
        log.stop(NOW, "")
    with audit_files(tmp_path)[-1].open("r+b") as file:
        file.truncate(audit_files(tmp_path)[-1].stat().st_size - 5)
    log = log_of(tmp_path, trouble)
    log.start(NOW)
    log.stop(NOW, "")
    kinds = [read.entry.kind for read in read_entries(tmp_path)]
    assert kinds == [EntryKind.NETWORK, EntryKind.START, EntryKind.MENDED, EntryKind.START]
    assert verify_log(tmp_path).broken is None


def test_another_networks_log_keeps_no_node_from_running_and_is_warned_of(tmp_path: Path) -> None:
    append(made(tmp_path), [vote(1)])
    before = audit_files(tmp_path)[0].read_bytes()
    trouble = list[str]()
    log = log_of(tmp_path, trouble)
    log.start(NOW)
    log.take(NOW, SigningStopped("x"))
    log.stop(NOW, "asked to stop")
    assert len(trouble) == 1 and "not of this one" in trouble[0]
    assert "the audit log is not written" in log.status().warnings[0]
    assert audit_files(tmp_path)[0].read_bytes() == before


def test_a_folder_that_cannot_be_made_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file stands there")
    trouble = list[str]()
    log = log_of(tmp_path / "audit", trouble)
    log.start(NOW)
    log.stop(NOW, "asked to stop")
    assert len(trouble) == 1 and "File exists" in trouble[0] and log.status().trouble == trouble[0]
