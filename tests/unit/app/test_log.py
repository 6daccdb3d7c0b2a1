"""The log's choice of what a person sees, and the form of a line."""

import json
from pathlib import Path

import pytest

from minicoin.app.log import Log
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.notices import BlockMined, InboundLost, PeerClosed, PeerUnreachable, TipMoved
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import SECOND_US, ConnId, Micros

NOW = Micros(1_700_000_000_123_456)
AT = "2023-11-14T22:13:20.123Z"


REMOTE = NodeAddress("10.0.0.1", 1)
BLOCK, OTHER = BlockHash(b"\xab" * 32), BlockHash(b"\xcd" * 32)


def failed(reason: str, *, chosen: bool, remote: NodeAddress = REMOTE) -> PeerUnreachable:
    return PeerUnreachable(remote, reason, chosen)


def tip(height: int, headers: int, block: BlockHash = BLOCK) -> TipMoved:
    return TipMoved(block, height, headers)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_time_first_then_what_then_the_rest(capsys) -> None:
    log = Log()
    log.take(NOW, PeerClosed(ConnId(3), REMOTE, "the peer left"))
    log.take(NOW, PeerClosed(ConnId(3), REMOTE, "a\x1b[2J"))
    assert lines(capsys) == [
        f"{AT} peer-closed  conn=3 remote=10.0.0.1:1 reason='the peer left'",
        f"{AT} peer-closed  conn=3 remote=10.0.0.1:1 reason='a\\x1b[2J'",
    ]


def test_as_json(capsys) -> None:
    Log(as_json=True).take(NOW, PeerClosed(ConnId(3), REMOTE, "it left"))
    said = {"time": AT, "event": "peer-closed", "conn": 3, "remote": "10.0.0.1:1", "reason": "it left"}
    assert json.loads(lines(capsys)[0]) == said


def test_a_block_of_our_own_is_one_line(capsys) -> None:
    log = Log()
    log.take(NOW, BlockMined(BLOCK))
    log.take(NOW, tip(7, 7))
    log.take(NOW, tip(8, 8, OTHER))
    assert lines(capsys) == [
        f"{AT} mined        height=7 block={hash_to_hex(BLOCK)}",
        f"{AT} tip          height=8 block={hash_to_hex(OTHER)}",
    ]


def test_catching_up_tells_how_far_now_and_then(capsys) -> None:
    log = Log()
    for second in range(25):
        log.take(Micros(NOW + second * SECOND_US), tip(second * 100, 2501))
    log.take(NOW, tip(2501, 2501))
    assert [line.split(" ", 1)[1] for line in lines(capsys)] == [
        "sync         height=0 of=2501 percent=0",
        "sync         height=1000 of=2501 percent=39",
        "sync         height=2000 of=2501 percent=79",
        f"tip          height=2501 block={hash_to_hex(BLOCK)}",
    ]


def test_a_named_node_that_cannot_be_reached_is_said_once_for_each_reason(capsys) -> None:
    log = Log()
    for reason in ("refused", "refused", "wrong identity", "wrong identity"):
        log.take(NOW, failed(reason, chosen=True))
    log.take(NOW, failed("refused", chosen=True, remote=NodeAddress("10.0.0.2", 1)))
    shown = lines(capsys)
    assert [("refused" in line, "identity" in line) for line in shown] == [(True, False), (False, True), (True, False)]


def test_a_gossiped_address_that_fails_is_for_the_curious(capsys) -> None:
    Log().take(NOW, failed("refused", chosen=False))
    Log(areas=("mempool",)).take(NOW, failed("refused", chosen=False))
    assert lines(capsys) == []
    Log(areas=("net",)).take(NOW, failed("refused", chosen=False))
    Log(areas=("all",)).take(NOW, failed("refused", chosen=False))
    assert len(lines(capsys)) == 2


def test_a_caller_with_other_rules_is_said_once(capsys) -> None:
    log = Log()
    for number in range(300):
        reason = f"the peer runs other rules: {number // 2}, ours: 5; compare the network files"
        log.take(NOW, InboundLost(NodeAddress("10.0.0.1", number + 1), reason))
        log.take(NOW, InboundLost(REMOTE, "garbage"))
    # Whoever makes up rules gets so many lines and no more.
    assert len(lines(capsys)) == 100


def test_a_file_takes_the_lines_and_can_be_moved_away(tmp_path: Path, capsys) -> None:
    path = tmp_path / "debug.log"
    log = Log(path=path)
    log.take(NOW, tip(1, 1))
    path.rename(tmp_path / "old.log")
    log.take(NOW, tip(2, 2))
    log.reopen()
    log.take(NOW, tip(3, 3))
    log.close()
    assert [line.split()[2] for line in (tmp_path / "old.log").read_text().splitlines()] == ["height=1", "height=2"]
    assert [line.split()[2] for line in path.read_text().splitlines()] == ["height=3"]
    assert lines(capsys) == []
    with pytest.raises(MisuseError, match="cannot write the log file"):
        Log(path=tmp_path)


def test_areas_are_chosen_while_it_writes(capsys) -> None:
    log = Log()
    log.take(NOW, failed("refused", chosen=False))
    log.areas = frozenset({"net"})
    log.take(NOW, failed("refused", chosen=False))
    log.areas = frozenset()
    log.take(NOW, failed("refused", chosen=False))
    assert len(lines(capsys)) == 1


def test_a_disk_that_stays_full_keeps_nobody_from_opening_the_log_anew(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    log = Log(path=tmp_path / "log")
    log.take(NOW, PeerClosed(ConnId(3), REMOTE, "it left"))
    (tmp_path / "log").unlink()
    log.reopen()
    log.take(NOW, PeerClosed(ConnId(3), REMOTE, "it left"))
    log.close()
    assert "it left" in (tmp_path / "log").read_text()
