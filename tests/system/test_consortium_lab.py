"""`minicoin lab up 5 --consortium`: five banks as processes, each pays each, and all of it is final at all of them."""

import json
import re
from decimal import Decimal
from pathlib import Path

from tests.waiting import COMPUTE_HANG_S

from .processes import run

README = Path(__file__).parents[2] / "README.md"


def test_each_bank_pays_each_and_all_is_final(tmp_path: Path) -> None:
    (command,) = re.findall(r"^minicoin lab up .*--consortium$", README.read_text(), re.MULTILINE)
    told = json.loads(run(f"{command} --json --datadir {tmp_path / 'lab'}", "regtest", COMPUTE_HANG_S))
    assert told["payments"] == 20
    banks = told["banks"]
    assert [bank["bank"] for bank in banks] == [f"Bank {letter}" for letter in "ABCDE"]
    assert {bank["finalized"] for bank in banks} == {bank["height"] for bank in banks}
    # Four sign a block at least, and five at most.
    assert 4 * told["certificates"] <= sum(bank["signed"] for bank in banks) <= 5 * told["certificates"]
    # Each gave as much as it got, and fees went round among them: block 1's coins are still all there are.
    assert sum(Decimal(bank["balance"]) for bank in banks) <= 5_000
    assert all(Decimal(990) < Decimal(bank["balance"]) < Decimal(1_010) for bank in banks)
