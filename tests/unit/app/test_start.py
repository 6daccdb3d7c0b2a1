"""What a command loads: counted, since seconds depend on the machine."""

import json
import os
import subprocess
import sys

import pytest

_PROBE = """
import json, sys
from minicoin.app.cli import run
code = run(sys.argv[1:])
print()
print(json.dumps([code, sorted(sys.modules)]))
"""

# About typer's own modules and those of Python behind it, and what a call needs besides.
RPC_MODULES_MAX = 240
# Networks of members, records of who may connect and recoveries bring the signatures of all of them, a load of records
# their kinds.
SIM_MODULES_MAX = 420
NEVER_FOR_RPC = (
    *("httpx", "pydantic", "trio", "lmdb", "rich", "structlog"),
    *("coincurve", "cryptography", "embit", "pbk", "kazoo"),
    *("minicoin.core.params", "minicoin.core.node", "minicoin.rpc.table", "minicoin.sim"),
)
NEVER_FOR_A_SCENARIO = ("numpy", "trio", "lmdb", "polars", "plotly", "pbk", "dask", "joblib", "rich")


def loaded(*words: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", _PROBE, *words], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code in (0, 1)
    return list(modules)


def within(modules: list[str], packages: tuple[str, ...]) -> list[str]:
    return [name for name in modules if any(name == package or name.startswith(package + ".") for package in packages)]


@pytest.fixture
def datadir(tmp_path):
    """As if a node had been killed: the client finds its address and cookie, and nobody there."""
    (tmp_path / ".cookie").write_text("__cookie__:00")
    (tmp_path / "rpc.address").write_text("127.0.0.1 1")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["getinfo"],
        ["stop"],
        ["printchain"],
        ["mine"],
        ["rpc", "getblockcount"],
        ["getpeerinfo"],
        ["net", "ping"],
        ["send", "address", "1"],
        ["wallet", "history"],
        ["data", "list"],
        ["chain", "info"],
    ],
    ids=" ".join,
)
def test_an_rpc_command_loads_little(words: list[str], datadir, monkeypatch) -> None:
    monkeypatch.setenv("MINICOIN_DATADIR", str(datadir))
    modules = loaded(*words)
    assert within(modules, NEVER_FOR_RPC) == []
    assert len(modules) <= RPC_MODULES_MAX


@pytest.mark.parametrize(
    "words",
    [
        ["list", "scenarios"],
        ["run", "nosuch.toml"],
        ["run", "scenarios/hello.toml", "--set", "nodes=many"],
        ["sweep", "scenarios/hello.toml", "--set", "nosuch=1,2"],
    ],
    ids=" ".join,
)
def test_a_scenario_is_checked_before_what_runs_it_is_loaded(words: list[str]) -> None:
    modules = loaded("sim", *words)
    assert within(modules, NEVER_FOR_A_SCENARIO) == []
    assert len(modules) <= SIM_MODULES_MAX


@pytest.mark.parametrize(("module", "is_loaded"), [("run", False), ("registry", False), ("zookeeper", True)])
def test_only_a_node_with_a_zookeeper_loads_its_client(module: str, is_loaded: bool) -> None:
    program = f"import sys, minicoin.app.{module}; print('kazoo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(is_loaded)


def test_only_the_table_knows_the_commands_that_were_not_called() -> None:
    assert within(loaded("--version"), ("minicoin.app.invocation", "minicoin.app.cli_node", "minicoin.rpc.auth")) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("minicoin wal", ["wallet"]),
        ("minicoin wallet ad", ["address", "addresses"]),
        ("minicoin send --fee", ["--fee-rate"]),
        ("minicoin startnode --rpcp", ["--rpcport", "--rpcpassword"]),
    ],
)
def test_completion(words: str, found: list[str]) -> None:
    count = len(words.split()) - 1
    asked = {"_MINICOIN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    program = "from minicoin.app.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert set(found) <= set(done.stdout.split())
