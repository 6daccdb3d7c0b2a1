"""Settings that validity depends on, by height."""

import pytest

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.settings import SettingsChange, settings_change

from .five_banks import NETWORK

assert isinstance(NETWORK.proof, SignersKind)
FOUNDING = NETWORK.proof


def change(history: SettingsHistory, from_height: int, *settings: tuple[str, str]) -> SettingsChange:
    return settings_change(history.next_version, from_height, history.last_hash, settings)


def carry(history: SettingsHistory, height: int, carried: SettingsChange) -> None:
    history.check(carried, height)
    history.append(CarriedChange(height, BlockHash(bytes((height,)) * 32), carried))


def test_a_change_holds_from_its_height_on() -> None:
    history = SettingsHistory(FOUNDING)
    assert history.min_interval_s(1) == FOUNDING.min_interval_s == 1
    carry(history, 5, change(history, 9, ("min_interval_s", "30")))
    assert [history.min_interval_s(height) for height in (8, 9, 99)] == [1, 30, 30]
    carry(history, 9, change(history, 11))
    assert [history.min_interval_s(height) for height in (8, 9, 10, 11)] == [1, 30, 30, 1]


def test_it_says_why_one_does_not_follow() -> None:
    history = SettingsHistory(FOUNDING)
    first = change(history, 9, ("min_interval_s", "30"))
    with pytest.raises(BlockRejected, match="too late for block 8") as caught:
        history.check(first, 8)
    assert caught.value.reason is BlockReason.SETTINGS_CHANGE
    carry(history, 5, first)
    with pytest.raises(BlockRejected, match="pending until height 9"):
        history.check(change(history, 20), 8)
    with pytest.raises(BlockRejected, match="version 1, expected 2"):
        history.check(first, 9)


@pytest.mark.parametrize("setting", [("later", "1"), ("min_interval_s", "0"), ("mempool_mb", "50")])
def test_what_it_does_not_understand_stops_this_version_from_its_height_on(setting) -> None:
    history = SettingsHistory(FOUNDING)
    carry(history, 5, change(history, 9, setting))
    history.require_understood(8)
    with pytest.raises(BlockRejected, match="update this program") as caught:
        history.require_understood(9)
    assert caught.value.reason is BlockReason.SETTINGS_UNKNOWN
    assert not caught.value.is_permanent
    # Whoever gets ready for that height all the same is not stopped by it.
    assert history.min_interval_s(9) == 1
