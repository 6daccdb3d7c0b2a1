import pytest

from minicoin.rpc.help_text import describe, overview, usage
from minicoin.rpc.table import METHODS


def test_there_are_enough_methods_and_no_name_twice() -> None:
    names = [method.name for method in METHODS]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_help_lists_every_method(rpc) -> None:
    listed = rpc("help").splitlines()
    for method in METHODS:
        assert (usage(method) in listed) is not method.is_hidden
    assert rpc("help") == overview(METHODS)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_is_documented(rpc, method) -> None:
    text = rpc("help", method.name)
    assert text == describe(method)
    assert text.startswith(method.name)
    assert len(method.about) > 10 and method.about.endswith((".", ")"))
    assert method.result
    for argument in method.arguments:
        assert argument.about.endswith(".")
        assert f" {argument.name} (" in text


def test_optional_arguments_stand_behind_required_ones() -> None:
    for method in METHODS:
        flags = [argument.is_optional for argument in method.arguments]
        assert flags == sorted(flags), method.name


def test_help_of_an_unknown_command(rpc) -> None:
    assert rpc.refusal("help", "nosuch") == (-1, "help: unknown command: nosuch")


def test_lists_are_shown_as_lists_unless_a_method_says_otherwise() -> None:
    rows = {method.name: method for method in METHODS}
    assert usage(rows["scantxoutset"]) == 'scantxoutset "action" ( [scanobjects,...] )'
    assert usage(rows["getblockstats"]) == "getblockstats hash_or_height ( stats )"
