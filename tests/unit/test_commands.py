"""Each command knows the type of its answer; the union is closed; commands, events and effects name what they carry."""

import ast
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import get_args

import pytest

from minicoin.core import answers, commands, effects, events
from minicoin.core.answers import Answer, BlockVerdict, CommandRefused, Done, Mined, Reason, Refused
from minicoin.core.commands import Command, Generate, Stop, closed, take_answer
from minicoin.core.faults import MisuseError

VOCABULARY = (answers, commands, effects, events)


def test_the_union_holds_every_command() -> None:
    declared = {kind for kind in vars(commands).values() if is_dataclass(kind) and hasattr(kind, "answer")}
    assert set(get_args(Command)) == declared


def test_every_command_has_one_of_the_answers_and_every_answer_its_command() -> None:
    assert {kind.answer for kind in get_args(Command)} == set(get_args(Answer))


def test_what_is_no_command_is_the_callers_mistake() -> None:
    class Nonsense:
        answer = Done

    assert closed(Stop()) == Stop()
    with pytest.raises(MisuseError, match="not a command"):
        closed(Nonsense())


def test_an_answer_is_taken_as_what_it_is() -> None:
    mined = Mined(())
    assert take_answer(Generate(0, b""), mined) is mined
    with pytest.raises(CommandRefused) as refused:
        take_answer(Generate(0, b""), Refused(Reason.CROWDED, "too many"))
    assert (refused.value.reason, str(refused.value)) == (Reason.CROWDED, "too many")


def test_the_answer_to_another_command_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="was answered"):
        take_answer(Generate(0, b""), BlockVerdict())


@pytest.mark.parametrize("module", VOCABULARY, ids=lambda module: module.__name__)
def test_no_field_is_of_type_object(module) -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    assert [node.lineno for hint in _hints(tree) for node in ast.walk(hint) if _is_open(node)] == []


def _hints(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) or (isinstance(node, ast.arg) and node.annotation is not None):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns


def _is_open(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("object", "Any")
