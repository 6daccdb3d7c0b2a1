"""The table of commands: what it says is what the modules hold."""

import importlib
import inspect

import pytest

from minicoin.app.commands import COMMANDS, GROUPS, commands_of
from minicoin.app.invocation import Invocation
from minicoin.app.lazy import load_verb


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.path)
def test_the_line_of_help_is_the_functions_own(command) -> None:
    module = importlib.import_module(f"minicoin.app.{command.module}")
    function = getattr(module, command.function)
    assert inspect.getdoc(function).splitlines()[0] == command.about
    assert load_verb(command).name == command.name


def test_no_command_is_forgotten() -> None:
    named = {(command.module, command.function) for command in COMMANDS}
    for name in {command.module for command in COMMANDS}:
        module = importlib.import_module(f"minicoin.app.{name}")
        for function, value in inspect.getmembers(module, inspect.isfunction):
            first = next(iter(inspect.signature(value).parameters.values()), None)
            is_command = value.__module__ == module.__name__ and first is not None and first.annotation is Invocation
            if is_command and not function.startswith("_") and inspect.signature(value).return_annotation is None:
                assert (name, function) in named


def test_every_group_has_commands_and_every_command_a_group() -> None:
    names = {group.name for group in GROUPS}
    assert {command.group for command in COMMANDS} == names | {""}
    assert len({command.path for command in COMMANDS}) == len(COMMANDS)


def test_help_names_every_command_with_its_line(cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for group in ("", *(group.name for group in GROUPS)):
        shown = " ".join(cli(*([group] if group else []), "--help").out.split())
        for command in commands_of(group):
            assert command.name in shown and command.about in shown, command.path
    shown = " ".join(cli("--help").out.split())
    assert all(group.about in shown for group in GROUPS)


@pytest.mark.parametrize("words", [["help", "send"], ["send", "--help"], ["send", "-h"]])
def test_help_of_a_command(cli, words) -> None:
    shown = cli(*words)
    assert shown.code == 0
    assert "Pay an address." in shown.out
    assert "Usage: minicoin send" in shown.out
    # The options of every command are told once, at the top.
    assert "Also: --network, --datadir" in shown.out
    assert "MINICOIN_NETWORK" not in shown.out


def test_help_by_the_word_people_try_first(cli) -> None:
    assert cli("help").out == cli("--help").out
    assert "Run a scenario." in cli("help", "sim", "run").out
    assert cli("help", "nosuch").code == 2


@pytest.mark.parametrize("width", [80, 60])
def test_help_cuts_no_name_and_names_defaults(cli, monkeypatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = cli("startnode", "--help").out
    titles = ("Connections", "Finding nodes", "Transport and identity", "RPC", "Limits", "Log and recording")
    for title in (*titles, "Mempool and relay", "For tests"):
        assert f"{title}:" in shown.splitlines()
    for word in ("--allow-peer, --allowpeer", "--identity-seed, --identityseed, -seed", "[default: 127.0.0.1]"):
        assert word in " ".join(shown.split())
    assert "…" not in shown
    assert all(len(line) <= width for line in shown.splitlines())


def test_a_call_without_a_word_shows_the_help_as_a_usage_error(cli) -> None:
    shown = cli("wallet")
    assert (shown.code, shown.out, shown.err) == (2, cli("wallet", "--help").out, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["startnode", "--minor", "x"], "no such option: --minor; did you mean --miner?"),
        (["startnode", "-miner", "x"], "no such option: -miner; did you mean --miner?"),
        (["send", "--fee", "3", "a", "1"], "no such option: --fee; did you mean --fee-rate?"),
        (["mine", "--frobnicate"], "no such option: --frobnicate"),
        (["mien"], "no such command 'mien'. Did you mean 'mine'?"),
        (["sim", "--network", "test", "list"], "minicoin sim list takes no --network"),
        (["mine", "many"], "invalid value for 'count': 'many' is not a whole number"),
        (
            ["startnode", "--listen", "70000"],
            "invalid value for '--listen' / '-l': 70000 is not at least 0 and at most 65535",
        ),
        (["startnode", "--transport", "smoke"], "'smoke' is not one of libp2p, tcp"),
        (["send", "address"], "missing argument"),
    ],
)
def test_words_that_make_no_command(cli, words: list[str], message: str) -> None:
    ran = cli(*words)
    assert (ran.code, ran.out) == (2, "")
    first, second = ran.err.splitlines()
    assert first.startswith("error: ") and message in first
    assert second.startswith("see: minicoin ") and second.endswith(" --help")
    told = cli("--json", *words).json
    assert message in told["error"]["message"]


def test_shared_options_stand_before_or_after_the_name(running) -> None:
    for words in (
        ("--json", "net", "peers"),
        ("net", "--json", "peers"),
        ("net", "peers", "--json"),
        ("--network", "nosuch", "net", "peers", "--network", "regtest", "--json"),
    ):
        assert running(*words).out == "[]\n", words
