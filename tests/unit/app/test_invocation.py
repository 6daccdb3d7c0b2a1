import inspect
from decimal import Decimal
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from minicoin.app import invocation
from minicoin.app.invocation import Invocation, ask_passphrase, with_invocation
from minicoin.app.show import words
from minicoin.core.faults import MisuseError


class _Terminal:
    def __init__(self, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_the_passphrase_is_taken_from_the_environment(monkeypatch) -> None:
    monkeypatch.setenv("MINICOIN_PASSPHRASE", "secret")
    assert ask_passphrase("?") == "secret"


def test_nobody_is_asked_without_a_terminal(monkeypatch) -> None:
    monkeypatch.setattr(invocation.sys, "stdin", _Terminal(False))
    assert ask_passphrase("?") is None


def test_a_new_passphrase_is_typed_twice_and_unseen(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(invocation.sys, "stdin", _Terminal(True))
    monkeypatch.setattr(invocation.typer, "prompt", lambda text, **how: asked.append((text, how)) or "typed")
    assert ask_passphrase("New", is_new=True) == "typed"
    ((text, how),) = asked
    assert text == "New"
    assert how["hide_input"] is True
    assert how["confirmation_prompt"] is True


@pytest.mark.parametrize(
    ("value", "text"), [(Decimal("0E-8"), "0.00000000"), (Decimal("1E+3"), "1000"), (7, "7"), ("x", "x")]
)
def test_amounts_for_people(value, text: str) -> None:
    assert words(value) == text


def _example(invocation: Invocation, count: Annotated[int, typer.Argument()] = 1) -> None:
    """An example."""
    if count == 13:
        raise MisuseError("no thirteen")
    invocation.show({"count": count, "network": invocation.network_name}, f"{count} on {invocation.network_name}")


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("example")(with_invocation(_example))
    made.command("other")(lambda: None)
    return made


def test_commands_have_their_own_options_and_the_shared_ones(app) -> None:
    names = list(inspect.signature(with_invocation(_example)).parameters)
    assert names[0] == "count"
    assert {"network", "datadir", "rpcport", "rpcuser", "rpcpassword", "json"} <= set(names)
    shown = CliRunner().invoke(app, ["example", "--help"])
    assert "An example." in shown.stdout
    assert "--datadir" in shown.stdout


def test_results_and_refusals_in_both_forms(app) -> None:
    run = CliRunner().invoke
    assert run(app, ["example", "2", "--network", "test"]).stdout == "2 on test\n"
    assert run(app, ["example", "--json"]).stdout == '{"count":1,"network":"main"}\n'
    refused = run(app, ["example", "13"])
    assert (refused.exit_code, refused.stdout, refused.stderr) == (1, "", "error: no thirteen\n")
    refused = run(app, ["example", "13", "--json"])
    assert (refused.exit_code, refused.stdout) == (1, '{"error":{"code":null,"message":"no thirteen"}}\n')
