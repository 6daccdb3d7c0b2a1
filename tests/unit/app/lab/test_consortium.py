"""What the table of a consortium's lab says, and what is refused. That it runs: tests/system/test_consortium_lab.py."""

import io

import pytest
from rich.console import Console
from tests.command_line import call

from minicoin.app.lab.consortium import BankRow, render


def test_the_table_says_what_is_final_and_who_signed() -> None:
    rows = [BankRow("Bank A", 12, 12, 9, 4, "1003.0"), BankRow("Bank B", 0, 0, 7, 0, "", is_up=False)]
    said = io.StringIO()
    Console(file=said, width=100).print(render(rows, 11, "five banks"))
    lines = said.getvalue().splitlines()
    assert [line.split("│")[1:4] for line in lines if "Bank A" in line] == [[" Bank A ", "     12 ", "        12 "]]
    assert any("9 of 11" in line and "1003.0" in line for line in lines)
    assert any("Bank B" in line and "down" in line and "7 of 11" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["5", "--network", "regtest"], "--consortium founds a network of its own"),
        (["5", "--overlay", "gossip"], "--consortium founds a network of its own"),
        (["1"], "a consortium in a lab has 2 to 26 banks, not 1"),
        (["27"], "a consortium in a lab has 2 to 26 banks, not 27"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], problem: str) -> None:
    done = call("lab", "up", "--consortium", "--once", *words)
    assert done.exit_code == 1
    assert problem in done.stderr
