"""The log's lines, and a log that cannot be written."""

import io
import json
import sys

import pytest

from minicoin.app.log import configure_log
from minicoin.core.effects import Trace
from minicoin.core.units import Micros

MOMENT = Micros(1_700_000_000_000_000)


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_records_are_lines_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    take = configure_log(as_json=True, verbose=False)
    take(MOMENT, Trace("tip", (("height", 7),)))
    take(MOMENT, Trace("tx-accepted", (("fee", 1),)))
    lines = sys.stderr.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"event": "tip", "height": 7, "level": "info", "time": "2023-11-14T22:13:20.000+00:00"}
    ]


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    take = configure_log(as_json=False, verbose=True)
    take(MOMENT, Trace("tip", (("height", 7),)))
