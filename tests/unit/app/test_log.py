"""The log's choice of what a person sees, and the form of a line."""

import json
from pathlib import Path

import pytest

from minicoin.app.log import Log
from minicoin.core.effects import Trace
from minicoin.core.faults import MisuseError
from minicoin.core.units import SECOND_US, Micros

NOW = Micros(1_700_000_000_123_456)
AT = "2023-11-14T22:13:20.123Z"


def failed(remote: str, reason: str, *, chosen: bool) -> Trace:
    return Trace("dial-failed", (("remote", remote), ("reason", reason), ("chosen", int(chosen))))


def tip(height: int, headers: int, block: str = "ab") -> Trace:
    return Trace("tip", (("height", height), ("block", block), ("headers", headers)))


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_time_first_then_what_then_the_rest(capsys) -> None:
    Log().take(NOW, Trace("peer-closed", (("conn", 3), ("reason", "the peer left"), ("agent", "a\x1b[2J"))))
    assert lines(capsys) == [f"{AT} peer-closed  conn=3 reason='the peer left' agent='a\\x1b[2J'"]


def test_as_json(capsys) -> None:
    Log(as_json=True).take(NOW, Trace("peer-closed", (("conn", 3),)))
    assert json.loads(lines(capsys)[0]) == {"time": AT, "event": "peer-closed", "conn": 3}


def test_a_block_of_our_own_is_one_line(capsys) -> None:
    log = Log()
    log.take(NOW, Trace("block-mined", (("block", "ab"),)))
    log.take(NOW, tip(7, 7))
    log.take(NOW, tip(8, 8, "cd"))
    assert lines(capsys) == [f"{AT} mined        height=7 block=ab", f"{AT} tip          height=8 block=cd"]


def test_catching_up_tells_how_far_now_and_then(capsys) -> None:
    log = Log()
    for second in range(25):
        log.take(Micros(NOW + second * SECOND_US), tip(second * 100, 2501))
    log.take(NOW, tip(2501, 2501))
    assert [line.split(" ", 1)[1] for line in lines(capsys)] == [
        "sync         height=0 of=2501 percent=0",
        "sync         height=1000 of=2501 percent=39",
        "sync         height=2000 of=2501 percent=79",
        "tip          height=2501 block=ab",
    ]


def test_a_named_node_that_cannot_be_reached_is_said_once_for_each_reason(capsys) -> None:
    log = Log()
    for reason in ("refused", "refused", "wrong identity", "wrong identity"):
        log.take(NOW, failed("10.0.0.1:1", reason, chosen=True))
    log.take(NOW, failed("10.0.0.2:1", "refused", chosen=True))
    shown = lines(capsys)
    assert [("refused" in line, "identity" in line) for line in shown] == [(True, False), (False, True), (True, False)]


def test_a_gossiped_address_that_fails_is_for_the_curious(capsys) -> None:
    Log().take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    Log(areas=("mempool",)).take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    assert lines(capsys) == []
    Log(areas=("net",)).take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    Log(areas=("all",)).take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    assert len(lines(capsys)) == 2


def test_a_caller_with_other_rules_is_said_once(capsys) -> None:
    log = Log()
    for number in range(300):
        reason = f"the peer runs other rules: {number // 2}, ours: 5; compare the network files"
        log.take(NOW, Trace("inbound-failed", (("remote", f"10.0.0.1:{number}"), ("reason", reason))))
        log.take(NOW, Trace("inbound-failed", (("remote", "10.0.0.1:1"), ("reason", "garbage"))))
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
    log.take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    log.areas = frozenset({"net"})
    log.take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    log.areas = frozenset()
    log.take(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    assert len(lines(capsys)) == 1
