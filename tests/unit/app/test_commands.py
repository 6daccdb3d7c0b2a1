"""The table of commands: what it says is what the modules hold."""

import importlib
import inspect

import pytest

from minicoin.app.commands import COMMANDS, GROUPS, commands_of
from minicoin.app.lazy import load_verb
from minicoin.app.session import Session


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
            is_command = value.__module__ == module.__name__ and first is not None and first.annotation is Session
            if is_command and not function.startswith("_") and inspect.signature(value).return_annotation is None:
                assert (name, function) in named


def test_every_group_has_commands_and_every_command_a_group() -> None:
    names = {group.name for group in GROUPS}
    assert {command.group for command in COMMANDS} == names | {""}
    assert len({command.path for command in COMMANDS}) == len(COMMANDS)


def test_help_names_every_command_with_its_line(cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    for group in ("", *(group.name for group in GROUPS)):
        shown = cli(*([group] if group else []), "--help").out
        for command in commands_of(group):
            assert command.name in shown and command.about in shown, command.path
    shown = cli("--help").out
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
