"""The README, executed: its commands as real processes, its programs as they stand there, its claims against tests.

Ports and directories are replaced by free ones, nothing else. If a command of the README changes or stops working,
this fails.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.unit.node.bench import Bench
from tests.waiting import COMPUTE_HANG_S, HANG_S, wait_until

from minicoin.core.params.builtin import NETWORKS
from minicoin.core.script.standard import script_address
from minicoin.core.wire.messages import CmpctBlock
from minicoin.rpc.table import METHODS

from .btcd import running_btcd
from .lab import sim
from .processes import NodeProcess, environment, run, running

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CLAIMS = (ROOT / "docs/architecture/claims.md").read_text()
NETWORK = "regtest"


def section(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"README has no section {title!r}"
    return found[1]


def blocks(title: str, language: str = "") -> list[str]:
    """The fenced blocks of a section."""
    return re.findall(rf"^```{language}\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


# --- the laboratory ---


def test_the_laboratory_does_what_the_readme_says(tmp_path: Path) -> None:
    (commands,) = blocks("The laboratory")
    for line in commands.splitlines():
        first, second, *words = line.replace("/tmp/minicoin", str(tmp_path)).split()
        assert (first, second) == ("minicoin", "sim")
        done = sim(*words)
        assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    for name in ("report.html", "result.json"):
        assert (tmp_path / "partition" / name).stat().st_size > 1_000
    assert list((tmp_path / "sweep").glob("*.parquet"))


# --- the story ---


@dataclass
class Story:
    """What happened when somebody did what the README says."""

    directory: Path
    ports: dict[str, str]
    nodes: list[NodeProcess] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    heights: list[object] = field(default_factory=list)
    """Of those that still ran at its end."""

    def localise(self, text: str) -> str:
        """With our directory, ports and addresses in the place of the README's."""
        for number, node in enumerate(self.nodes, 1):
            text = text.replace(f"ADDRESS_{number}", node.address)
        for there, here in {"/tmp/minicoin": str(self.directory), **self.ports}.items():
            text = text.replace(there, here)
        return text

    def output(self, start: str, which: int = -1) -> str:
        """Of the command that starts so; the last such one, unless another is asked for."""
        found = [said for line, said in self.outputs if line.startswith(start)]
        assert found, f"the README runs no {start!r}"
        return found[which]


def agree(nodes: list[NodeProcess], method: str) -> bool:
    return len({json.dumps(node.call(method), sort_keys=True) for node in nodes}) == 1


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    directory = tmp_path_factory.mktemp("story")
    ports = ("17443", "17444", "17445", "17446")
    told = Story(directory, dict(zip(ports, map(str, free_ports(len(ports))), strict=True)))
    first, *rest = blocks("Three terminals")
    assert first.splitlines() == [". .venv/bin/activate", f"export MINICOIN_NETWORK={NETWORK}"]
    starts = [block.strip() for block in rest if block.startswith("minicoin startnode")]
    (commands,) = [block for block in rest if not block.startswith("minicoin startnode")]
    assert len(starts) == 3
    try:
        for number, start in enumerate(starts, 1):
            line = told.localise(start)
            told.nodes.append(NodeProcess(line, NETWORK, directory / f"terminal{number}.log"))
        wait_until(lambda: all(node.call("getconnectioncount") for node in told.nodes), "everybody has a connection")
        alive = list(told.nodes)
        for command in commands.splitlines():
            line = told.localise(command)
            told.outputs.append((command, run(line, NETWORK)))
            if command.startswith("minicoin stop"):
                stopped = next(node for node in alive if str(node.datadir) in line)
                alive.remove(stopped)
                assert stopped.wait() == 0, stopped.log
            wait_until(lambda: agree(alive, "getbestblockhash"), f"one tip after {command}")
            wait_until(lambda: agree(alive, "getrawmempool"), f"one mempool after {command}")
        told.heights = [node.call("getblockcount") for node in alive]
        yield told
    finally:
        for node in told.nodes:
            node.stop()


def test_blocks_reach_all_three(story: Story) -> None:
    # The story went on after each of its commands only when the nodes had one tip and one mempool again.
    (commands,) = [block for block in blocks("Three terminals") if "minicoin mine" in block]
    assert [line for line, _ in story.outputs] == commands.splitlines()
    assert story.heights == [102, 102]


def test_nodes_are_joined_by_their_libp2p_addresses(story: Story) -> None:
    for node in story.nodes:
        assert re.fullmatch(r"/ip4/127\.0\.0\.1/tcp/\d+/p2p/12D3Koo\w+", node.address)
    identity = story.nodes[0].address.rsplit("/", 1)[1]
    assert identity in story.nodes[1].log
    assert story.nodes[1].address.rsplit("/", 1)[1] in story.output("minicoin net id --datadir /tmp/minicoin/b")
    assert re.search(rf"{identity}.*ping +[\d.]+ ms", story.output("minicoin net ping"), re.DOTALL)


def test_nodes_learn_of_others_from_their_peers(story: Story) -> None:
    # The first was told of nobody and the third of the second only.
    first = story.nodes[0]
    third = int(story.ports["17446"])
    wait_until(lambda: third in [known["port"] for known in first.call("getnodeaddresses", 0)], "gossip")


def test_the_payment_arrives(story: Story) -> None:
    assert re.search(r"confirmed +50\.0", story.output("minicoin getbalance --datadir /tmp/minicoin/a"))
    assert re.search(r"confirmed +1\.50000000", story.output("minicoin getbalance --datadir /tmp/minicoin/c"))


def test_data_is_pending_elsewhere_and_then_in_its_block(story: Story) -> None:
    listing = "minicoin data list --datadir /tmp/minicoin/b"
    assert re.search(r"bpm=70 +pending", story.output(listing, 0))
    assert re.search(r"bpm=70 +block 102", story.output(listing, 1))


def test_rpc_with_an_unmodified_client(story: Story) -> None:
    (program,) = blocks("JSON-RPC", "python")
    # Height 102 with three transactions at the end of the story; tests that ran before this one may have mined.
    tip = story.nodes[0].call("getblock", story.nodes[0].call("getbestblockhash"))
    done = subprocess.run(
        [sys.executable, "-c", story.localise(program)], capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert done.stdout == f"{tip['height']} {len(tip['tx'])}\n", done.stderr
    listed = run(f"minicoin rpc help --datadir {story.nodes[0].datadir}", NETWORK)
    assert "getblockchaininfo" in listed
    explained = run(f"minicoin rpc help getblock --datadir {story.nodes[0].datadir}", NETWORK)
    assert explained.startswith("getblock ")


def test_a_restart_keeps_chain_wallet_and_peers(story: Story) -> None:
    # The third node was stopped by the story's last command; now it is told of nobody.
    line, _, _ = story.nodes[2].line.partition(" -d ")
    assert story.heights == [102, 102]
    with running(line, NETWORK, story.directory / "restarted.log") as node:
        assert "height 102" in node.greeting[0]
        assert node.address.rsplit("/", 1)[1] == story.nodes[2].address.rsplit("/", 1)[1]
        balance = run(f"minicoin getbalance --datadir {node.datadir}", NETWORK)
        assert re.search(r"confirmed +1\.50000000", balance)
        wait_until(lambda: bool(node.call("getconnectioncount")), "a known peer is found again")
        # And it follows: a block mined elsewhere arrives.
        run(f"minicoin mine 1 --datadir {story.nodes[0].datadir}", NETWORK)
        wait_until(lambda: node.call("getblockcount") == 103, "the next block")


# --- the other commands and programs ---


def test_the_btcd_command_follows_btcd(tmp_path: Path) -> None:
    (line,) = blocks("Bitcoin's networks")
    address = script_address(b"\x00\x14" + bytes(20), NETWORKS["btcd-simnet"].address_format)
    assert address is not None
    with running_btcd(tmp_path / "btcd", address) as btcd:
        btcd.call("generate", 3)
        here = line.strip().replace("/tmp/minicoin", str(tmp_path)).replace("18555", str(btcd.port))
        assert here != line.strip()
        with running(here, NETWORK, tmp_path / "log") as node:
            node.network = "btcd-simnet"
            wait_until(lambda: node.call("getbestblockhash") == btcd.tip(), "btcd's tip")


@pytest.mark.parametrize("number", range(2))
def test_library_programs_print_what_the_readme_says(number: int) -> None:
    programs, expected = blocks("As a library", "python"), blocks("As a library", "text")
    assert len(programs) == len(expected) == 2
    done = subprocess.run(
        [sys.executable, "-c", programs[number]], capture_output=True, text=True, timeout=HANG_S, check=False
    )
    assert done.stdout == expected[number], done.stderr


def test_networks_named_are_built_in() -> None:
    named = set(re.findall(r"`((?:bitcoin|btcd)(?:-\w+)?)`", section("Bitcoin's networks")))
    assert named == {name for name, network in NETWORKS.items() if network.is_bitcoin}


def test_a_network_of_ones_own(tmp_path: Path) -> None:
    told = section("Bitcoin's networks")
    assert "minicoin network new NAME" in told
    assert "--network NAME" in told
    ours = {**environment(NETWORK), "XDG_CONFIG_HOME": str(tmp_path)}
    for line in ("minicoin network new town", "minicoin network show town"):
        done = subprocess.run(
            ["bash", "-c", line], env=ours, capture_output=True, text=True, timeout=HANG_S, check=False
        )
        assert done.returncode == 0, done.stderr


ROLES = {
    "index": ["index", "member", "member"],
    "gossip": ["member", "member", "member"],
    "supernode": ["super", "super", "leaf"],
    "kademlia": ["server", "server", "server"],
}


def test_a_lab_of_each_network_model(tmp_path: Path) -> None:
    # Three nodes for twelve: what twelve do, tests/system/test_models.py shows.
    (commands,) = blocks("Network models")
    named = [line.split()[5] for line in commands.splitlines()]
    assert sorted(named) == sorted(ROLES)
    for line in commands.splitlines():
        here = line.partition("#")[0].replace("lab up 12", "lab up 3")
        assert here != line.partition("#")[0]
        told = json.loads(run(f"{here} --json --datadir {tmp_path / line.split()[5]}", NETWORK, COMPUTE_HANG_S))
        assert [node["role"] for node in told["nodes"]] == ROLES[line.split()[5]]
        assert {node["tip"] for node in told["nodes"]} == {told["block"]}


def test_make_has_the_commands_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("Two commands")), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_demonstration_ends_with_a_payment_on_all_three() -> None:
    recipe = re.search(r"^demo:.*\n\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    said = run(recipe.replace("$(BIN)/", ""), NETWORK, COMPUTE_HANG_S)
    assert recipe.endswith("lab up 3 --once")
    assert "confirmed in block" in said
    assert "on all 3 nodes" in said


# --- the claims ---


def claim_rows() -> dict[str, list[str]]:
    """Claim -> ids of its tests, as docs/architecture/claims.md has them."""
    rows = re.findall(r"^\| (.+?) \| (`tests/.+`) \|$", CLAIMS, re.MULTILINE)
    return {claim: re.findall(r"`([^`]+)`", tests) for claim, tests in rows}


def bullets(title: str) -> list[str]:
    return re.findall(r"^- (.+)$", section(title), re.MULTILINE)


def test_every_claim_has_its_line() -> None:
    assert list(claim_rows()) == bullets("What there is")


@pytest.mark.parametrize("test_id", sorted({test for tests in claim_rows().values() for test in tests}))
def test_every_test_named_exists(test_id: str) -> None:
    path, _, name = test_id.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in defined


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_number_of_methods_is_right() -> None:
    (claim,) = [bullet for bullet in bullets("What there is") if bullet.startswith("JSON-RPC")]
    assert claim.startswith(f"JSON-RPC: {len(METHODS)} methods, ")


def test_what_is_missing_is_still_missing() -> None:
    """The list of what there is not yet must lose a line when the thing arrives."""
    missing = "\n".join(bullets("What there is not yet"))
    source = ROOT / "src/minicoin"
    takers = Bench().node.view.takers()
    absent = {
        "No relay by compact blocks": CmpctBlock not in takers,
        "Full nodes only": not re.search(r"\brole=", (source / "app/setup.py").read_text()),
        "no light node": not (source / "core/filters").exists(),
        "The laboratory has no compact blocks": CmpctBlock not in takers,
        "No dashboard": not (source / "dashboard").exists(),
        "no feeler connections": "FEELER" not in (source / "core/connmgr/connections.py").read_text(),
        "no metrics": not any("prometheus" in path.read_text() for path in source.rglob("*.py")),
    }
    for words, is_absent in absent.items():
        assert words in missing, f"README no longer says {words!r}"
        assert is_absent, f"README says {words!r}, but it is there"
