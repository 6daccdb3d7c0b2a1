"""The tutorial "Five banks", executed as it stands there: directories and ports are replaced by free ones, and what its
reader writes down or copies by hand is what the commands before it printed. Nothing else.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.waiting import wait_until

from .forked import ForkedNode, started
from .processes import run

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial-five-banks.md"
PORTS = [str(port) for port in range(17451, 17456)]
HOME = "/tmp/minicoin/five"


class Reader:
    """Somebody who does what the page says, in one shell and a terminal for each node."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes: dict[str, ForkedNode] = {}
        self.said: list[tuple[str, str]] = []
        self._here = {HOME: str(directory), **dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))}
        self._variables = directory / "variables"
        self._variables.write_text(f"cd {directory}\n")
        self._words: list[str] = []

    def read(self, text: str) -> None:
        """Everything in the fenced blocks, in order."""
        for block in re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if line.startswith("minicoin startnode"):
                    self._start(line)
                else:
                    self._run(line)

    def output(self, start: str, which: int = -1) -> str:
        """Of a command that starts so; the last one, unless another is asked for."""
        return [said for line, said in self.said if line.startswith(start)][which]

    def agree(self) -> bool:
        """All that run have one tip."""
        return len({str(node.call("getbestblockhash")) for node in self.nodes.values()}) == 1

    def stop(self) -> None:
        for node in self.nodes.values():
            node.stop()

    def _start(self, line: str) -> None:
        here = self._localise(line)
        bank = Path(re.search(r"--datadir (\S+)", here)[1]).name
        network = re.search(r"--network (\S+)", here)[1]
        # What the shell of the page exported holds in every terminal of its reader.
        words = [word for row in self._variables.read_text().splitlines() for word in shlex.split(row)]
        exports = dict(word.split("=", 1) for word in words if word.startswith("MINICOIN_"))
        self.nodes[bank] = started(here, network, self.directory / f"{bank}.log", exports)

    def _run(self, line: str) -> None:
        here = self._localise(line)
        # A shell for each line, with what the lines before left: variables and the directory.
        said = run(f"set -e; . {self._variables}; {here}; declare -p TXID 2>/dev/null || true", "regtest")
        kept = [row for row in said.splitlines() if row.startswith("declare ")]
        said = "\n".join(row for row in said.splitlines() if not row.startswith("declare "))
        self.said.append((line, said))
        if line.startswith(("export", "cd")):
            with self._variables.open("a") as variables:
                variables.write(here + "\n")
        if line.startswith("TXID="):
            with self._variables.open("a") as variables:
                variables.write("\n".join(row for row in kept if " TXID=" in row) + "\n")
        if "--wallet" in line:
            self._words.append(re.search(r"^  ((?:\w+ ){23}\w+)$", said, re.MULTILINE)[1])
        if "wallet restore" in line:
            bank = self.nodes[Path(re.search(r"--datadir (\S+)", here)[1]).name]
            wait_until(lambda: bank.call("getbalance"), "block 1 has paid the wallet")
        if line.startswith("minicoin waitforfinal"):
            # Final at one bank; its reader looks at another bank's wallet a moment later.
            wait_until(self.agree, "one tip everywhere")
        if line.startswith("minicoin stop"):
            bank = Path(re.search(r"--datadir (\S+)", here)[1]).name
            assert self.nodes.pop(bank).wait() == 0

    def _localise(self, line: str) -> str:
        for there, here in self._here.items():
            line = line.replace(there, here)
        for place, words in zip("AB", self._words, strict=False):
            line = line.replace(f"WORDS_{place}", words)
        return line


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    reader = Reader(tmp_path_factory.mktemp("five"))
    try:
        reader.read(TUTORIAL.read_text())
        yield reader
    finally:
        reader.stop()


def test_what_it_says_of_the_network_is_shown(reader: Reader) -> None:
    shown = reader.output("minicoin consortium new five --from .", 0)
    assert "5 members; a block takes 4; 1 may lie or be down" in shown
    assert "would be written" in shown


def test_the_payment_is_final_and_arrives(reader: Reader) -> None:
    assert "final at height" in reader.output("minicoin waitforfinal", 0)
    assert "525.0" in reader.output("minicoin getbalance", 0)


def test_one_bank_down_halts_nothing(reader: Reader) -> None:
    assert "final at height" in reader.output("minicoin waitforfinal", 1)
    assert "one more failure halts: 4 of 5 members are here" in reader.output("minicoin getinfo", 0)


def test_two_banks_down_halt_it_until_one_is_back(reader: Reader) -> None:
    assert "not yet" in reader.output("minicoin waitforfinal", 2)
    assert "no quorum: 3 of 5 members are here and 4 must sign" in reader.output("minicoin getinfo", 1)
    assert "final at height" in reader.output("minicoin waitforfinal", 3)
    assert "528.0" in reader.output("minicoin getbalance", 1)


def test_all_that_run_agree(reader: Reader) -> None:
    assert set(reader.nodes) == set("abcd")
    wait_until(reader.agree, "one tip everywhere")
