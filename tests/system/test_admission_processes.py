"""Admission as operators have it: processes, the command line, a kill -9, and a stranger's program at the door."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.waiting import wait_until

from minicoin.core.admission.state import AdmissionState
from minicoin.core.signers.admission import AdmissionRecord

from .processes import NodeProcess, run, running

BANKS = "abcd"


def start(directory: Path, bank: str, *words: str) -> tuple[str, str, Path]:
    line = f"minicoin startnode --datadir {directory}/bank-{bank} -l 0 --rpcport 0"
    return " ".join((line, *words)), f"{directory}/banks.toml", directory / f"{bank}.log"


@contextmanager
def banks(directory: Path) -> Iterator[list[NodeProcess]]:
    """Four, each connected to the first."""
    run(f"minicoin consortium new banks --lab {directory} --banks {len(BANKS)} --yes", "main")
    with ExitStack() as stack:
        nodes: list[NodeProcess] = []
        for bank in BANKS:
            dialled = ("-d", nodes[0].address) if nodes else ()
            nodes.append(stack.enter_context(running(*start(directory, bank, *dialled))))
        wait_until(lambda: len(peers(nodes[0])) >= len(BANKS) - 1, "the banks' connections")
        yield nodes


def peers(node: NodeProcess) -> list:
    found = node.call("getpeerinfo")
    assert isinstance(found, list)
    return found


def admission(node: NodeProcess) -> dict:
    found = node.call("getadmission")
    assert isinstance(found, dict)
    return found


def minicoin(node: NodeProcess, line: str) -> str:
    return run(f"minicoin {line} --datadir {node.datadir}", node.network)


def test_an_expelled_bank_is_out_at_once_and_stays_out(tmp_path: Path) -> None:
    with banks(tmp_path) as nodes:
        first, second, third, fourth = nodes
        told = minicoin(first, "admission propose --expel 'Bank D'")
        assert "signed version 1" in told and "2 more must sign" in told
        assert "Bank D is left out and stays a member" in told and "exactly a quorum" in told
        wait_until(lambda: all(admission(node)["drafts"] for node in (second, third)), "the draft")
        second.call("approveadmission", 1)
        told = minicoin(third, "admission approve 1")
        wait_until(lambda: all(admission(node)["version"] == 1 for node in nodes), "the version")
        wait_until(lambda: not peers(fourth), "the end of its connections")
        assert "admission-lost" in fourth.log
        assert "does not name this node" in str(fourth.call("getnetworkinfo")["warnings"])
        wait_until(lambda: "the peer does not admit this node" in fourth.log, "the reason in its log")
        wait_until(lambda: len(peers(first)) == 2, "the others")

    # Nobody restarted so far. Who was expelled finds no way back by that, either.
    with running(*start(tmp_path, "a")) as first:
        assert admission(first)["version"] == 1
        assert "Bank D" not in minicoin(first, "admission list")
        with running(*start(tmp_path, "d", "-d", first.address)) as fourth:
            wait_until(lambda: fourth.log.count("the peer does not admit this node") > 1, "another refusal")
            assert not peers(first)


def test_what_a_node_goes_by_survives_the_hardest_end(tmp_path: Path) -> None:
    run(f"minicoin consortium new banks --lab {tmp_path} --banks 1 --yes", "main")
    only = NodeProcess(*start(tmp_path, "a"))
    first = AdmissionRecord.decode(bytes.fromhex(admission(only)["hex"]))
    stranger = "12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKust"
    assert only.call("proposeadmission", [{"name": "Auditor", "peerids": [stranger]}])["missing"] == 0
    wait_until(lambda: admission(only)["version"] == 1, "the version")

    def on_disk() -> int:
        raw = (tmp_path / "bank-a/state/admission").read_bytes()
        return AdmissionState.from_bytes(raw, first, raw[5:37]).current.version

    wait_until(lambda: on_disk() == 1, "the disk")
    only.kill()
    with running(*start(tmp_path, "a")) as again:
        found = admission(again)
        assert found["version"] == 1 and [bank["name"] for bank in found["banks"]] == ["Auditor", "Bank A"]
        assert found["signed"]["version"] == 1


def test_a_visitor_learns_nothing_but_the_refusal(tmp_path: Path) -> None:
    run(f"minicoin consortium new banks --lab {tmp_path} --banks 1 --yes", "main")
    with running(*start(tmp_path, "a")) as bank:
        said = run(f"minicoin net ping {bank.address} 2>&1 || true", bank.network)
        assert "does not admit this node" in said and "/minicoin" not in said
