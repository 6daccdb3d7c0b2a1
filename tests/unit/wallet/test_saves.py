"""Promises rest on the write that holds them: given once, after it, and with the last word of the disk."""

from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.answers import Done
from minicoin.core.limits import WALLET_SAVE_RETRY_US
from minicoin.core.units import Micros, RequestId
from minicoin.core.wallet.saves import Promise, WalletSaves

T0 = Micros(10**15)


def promise(request: int) -> Promise:
    return Promise(RequestId(request), Done())


def requests(promises: list[Promise]) -> list[int | None]:
    return [one.request for one in promises]


def test_nothing_is_written_for_nothing() -> None:
    saves = WalletSaves(is_on_disk=True)
    assert not saves.begin() and saves.is_settled
    saves.note_change(False)
    assert not saves.begin()
    saves.note_change()
    assert saves.begin() and not saves.begin()


def test_a_promise_is_due_when_the_write_that_holds_it_is_done() -> None:
    saves = WalletSaves(is_on_disk=False)
    saves.promise(promise(1))
    assert saves.begin() and not saves.is_settled
    # Too late for the write under way.
    saves.promise(promise(2))
    assert requests(saves.finish("", T0)) == [1]
    assert saves.is_on_disk and not saves.is_settled
    assert saves.begin()
    assert requests(saves.finish("", T0)) == [2]
    assert saves.is_settled


def test_a_write_that_failed_decides_nothing_while_a_later_one_is_under_way() -> None:
    saves = WalletSaves(is_on_disk=True)
    for request in (1, 2):
        saves.promise(promise(request))
        assert saves.begin()
    assert saves.finish("disk full", T0) == []
    assert requests(saves.finish("", T0)) == [1, 2]


def test_the_disk_is_tried_again_after_a_while() -> None:
    saves = WalletSaves(is_on_disk=True)
    saves.promise(promise(1))
    assert saves.begin()
    assert requests(saves.finish("disk full", T0)) == [1]
    assert saves.retry_at == T0 + WALLET_SAVE_RETRY_US
    saves.on_deadline(Micros(saves.retry_at - 1))
    assert not saves.begin()
    saves.on_deadline(Micros(T0 + WALLET_SAVE_RETRY_US))
    assert saves.begin() and saves.retry_at is None


def test_what_was_never_saved_can_be_dropped() -> None:
    saves = WalletSaves(is_on_disk=False)
    saves.promise(promise(1))
    assert requests(saves.drop_unsaved()) == [1]
    assert saves.drop_unsaved() == [] and saves.is_settled


@given(st.lists(st.sampled_from(["promise", "begin", "done", "failed"]), max_size=40))
def test_each_promise_is_given_once_and_in_order(steps: list[str]) -> None:
    saves = WalletSaves(is_on_disk=True)
    asked, given_back = 0, []
    for step in steps:
        match step:
            case "promise":
                saves.promise(promise(asked))
                asked += 1
            case "begin":
                saves.begin()
            case _:
                given_back += requests(saves.finish("" if step == "done" else "disk full", T0))
    while not saves.is_settled:
        saves.begin()
        given_back += requests(saves.finish("", T0))
    assert given_back == list(range(asked))
