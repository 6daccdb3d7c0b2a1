"""The log's choice of what a person sees."""

import pytest

from minicoin.app.log import configure_log
from minicoin.core.effects import Trace
from minicoin.core.units import Micros

NOW = Micros(1_700_000_000_000_000)


def failed(remote: str, reason: str, *, chosen: bool) -> Trace:
    return Trace("dial-failed", (("remote", remote), ("reason", reason), ("chosen", int(chosen))))


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_named_node_that_cannot_be_reached_is_said_once_for_each_reason(capsys: pytest.CaptureFixture[str]) -> None:
    take = configure_log(as_json=True, verbose=False)
    for reason in ("refused", "refused", "wrong identity", "wrong identity"):
        take(NOW, failed("10.0.0.1:1", reason, chosen=True))
    take(NOW, failed("10.0.0.2:1", "refused", chosen=True))
    shown = lines(capsys)
    assert [("refused" in line, "identity" in line) for line in shown] == [(True, False), (False, True), (True, False)]


def test_a_gossiped_address_that_fails_is_for_the_curious(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(as_json=True, verbose=False)(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    assert lines(capsys) == []
    configure_log(as_json=True, verbose=True)(NOW, failed("10.0.0.1:1", "refused", chosen=False))
    assert len(lines(capsys)) == 1
