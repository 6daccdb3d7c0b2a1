"""Deployments as values: which change rules, which only signal, and from where a buried one holds."""

import pytest

from minicoin.core.params.rules import (
    ACTIVE_FROM_GENESIS,
    ALWAYS,
    NEVER,
    RULE_NAMES,
    Buried,
    Deployments,
    VersionBits,
)

VOTE = VersionBits(bit=2, start_time=0, timeout=None, window=144, threshold=108)


@pytest.mark.parametrize(
    ("rule", "height", "is_active"),
    [(ALWAYS, 0, True), (NEVER, 10**9, False), (Buried(5), 4, False), (Buried(5), 5, True)],
)
def test_a_buried_rule_holds_from_its_height_on(rule: Buried, height: int, is_active: bool) -> None:
    assert rule.is_active(height) is is_active


def test_all_deployments_are_named_once_and_what_changes_no_rule_comes_last() -> None:
    made = Deployments(taproot=VOTE, extra=(("dummy", VOTE),))
    names = [name for name, _ in made.named()]
    assert names == [*RULE_NAMES, "dummy"] and len(set(names)) == len(names)
    assert dict(made.rules())["taproot"] is VOTE


def test_miners_vote_on_what_is_not_buried() -> None:
    assert ACTIVE_FROM_GENESIS.version_bits() == ()
    made = Deployments(segwit=VOTE, extra=(("dummy", VOTE),))
    assert made.version_bits() == (("segwit", VOTE), ("dummy", VOTE))
