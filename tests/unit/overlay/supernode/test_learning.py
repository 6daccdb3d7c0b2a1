"""A super node that begins asks for all there is."""

import pytest
from tests.unit.overlay.supernode.made import T0, sent, status_record

from minicoin.core.faults import PeerFault
from minicoin.core.overlay.supernode.learning import PATIENCE_US, Learning
from minicoin.core.overlay.supernode.messages import SuperAsk, SuperPage, Wanted
from minicoin.core.units import Micros

FIRST, SECOND = sorted((status_record(1), status_record(2)), key=lambda record: record.owner)


def asked(effects):
    return [(conn, message.wanted, message.after) for conn, message in sent(effects, SuperAsk)]


def test_page_after_page_first_the_super_nodes_then_the_leaves():
    learning = Learning()
    assert asked(learning.begin((4, 5), T0)) == [(4, Wanted.ALL_SUPERS, b"")]
    assert learning.begin((4, 5), T0) == [] and learning.is_taught_by(5) is None
    assert asked(learning.on_page(SuperPage((FIRST,), has_more=True), T0)) == [(4, Wanted.ALL_SUPERS, FIRST.owner)]
    assert asked(learning.on_page(SuperPage((SECOND,), has_more=False), T0)) == [(4, Wanted.DIRECTORY, b"")]
    assert learning.is_taught_by(4) is Wanted.DIRECTORY
    assert learning.on_page(SuperPage((), has_more=False), T0) == [] and learning.is_done
    assert learning.begin((6,), T0) == [] and learning.next_deadline() is None


def test_pages_that_do_not_lead_on_are_a_fault():
    learning = Learning()
    learning.begin((4,), T0)
    learning.on_page(SuperPage((SECOND,), has_more=True), T0)
    with pytest.raises(PeerFault, match="do not lead on"):
        learning.on_page(SuperPage((FIRST,), has_more=True), T0)


def test_pages_without_end_are_a_fault():
    learning = Learning()
    learning.begin((4,), T0)

    class Made:
        def __init__(self, number):
            self.owner = number.to_bytes(3, "big")

    with pytest.raises(PeerFault, match="do not lead on"):
        for number in range(1, 10_000):
            learning.on_page(SuperPage((Made(number),), has_more=True), T0)
    assert number < 600


def test_one_that_goes_or_is_silent_is_followed_by_another():
    learning = Learning()
    learning.begin((4, 5, 6), T0)
    learning.on_closed(4)
    assert asked(learning.begin((5, 6), T0)) == [(5, Wanted.ALL_SUPERS, b"")]
    late = Micros(T0 + PATIENCE_US)
    assert not learning.give_up(T0) and learning.next_deadline() == late and learning.give_up(late)
    assert asked(learning.begin((5, 6), late)) == [(6, Wanted.ALL_SUPERS, b"")]
    learning.give_up(Micros(late + PATIENCE_US))
    assert learning.begin((5, 6), late) == [], "all were asked"
