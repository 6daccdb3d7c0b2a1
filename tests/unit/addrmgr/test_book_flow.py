"""The address book is written every so often, and is part of the node's digest."""

from tests.unit.node.bench import Bench

from minicoin.core.addrmgr.book_flow import BOOK_KEY
from minicoin.core.effects import SaveState
from minicoin.core.events import AddressesFound, AddressSource
from minicoin.core.limits import BOOK_SAVE_EVERY_US, DIGEST_ITEMS_MAX
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.units import SECOND_US

FAR = NodeAddress("10.9.0.1", 8333)


def timed(bench, *addresses):
    return tuple(TimedAddress(address, 9, bench.now // SECOND_US) for address in addresses)


def test_the_book_is_written_every_so_often():
    bench = Bench()
    bench.wait(BOOK_SAVE_EVERY_US - SECOND_US)
    assert BOOK_KEY not in [effect.key for effect in bench.take(SaveState)]
    bench.wait(2 * SECOND_US)
    assert [effect.key for effect in bench.take(SaveState)].count(BOOK_KEY) == 1
    bench.wait(BOOK_SAVE_EVERY_US)
    assert [effect.key for effect in bench.take(SaveState)].count(BOOK_KEY) == 1


def test_a_brief_digest_leaves_out_what_a_large_book_holds(monkeypatch):
    monkeypatch.setattr("minicoin.core.addrmgr.book_flow.DIGEST_ITEMS_MAX", 2)
    assert DIGEST_ITEMS_MAX > 2
    bench = Bench(NodePolicy(connect=()))

    def sizes():
        return [len(dict(bench.node.forms(bench.now, is_brief=brief))["address book"]) for brief in (True, False)]

    bench.handle(AddressesFound(AddressSource.DNS, "x", timed(bench, FAR)))
    brief, whole = sizes()
    assert brief == whole
    bench.handle(
        AddressesFound(AddressSource.DNS, "x", timed(bench, *(NodeAddress(f"10.{n}.0.1", 5) for n in range(5))))
    )
    brief, whole = sizes()
    assert brief < whole
