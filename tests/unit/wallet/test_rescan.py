"""What a rescan may claim to have seen while scripts are added under way."""

from minicoin.core.wallet.rescan import RescanState


def test_nothing_was_added() -> None:
    assert RescanState(10, 20).safe_height == 20


def test_scripts_added_meanwhile_hold_it_down_to_the_lowest_height_that_matters() -> None:
    state = RescanState(10, 20).again(15).again(17).again(12)
    assert state.again_from == 12
    assert state.safe_height == 11
    assert RescanState(10, 20).again(30).safe_height == 20
