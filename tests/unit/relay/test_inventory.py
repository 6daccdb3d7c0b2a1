"""The bounded memory of what a peer has."""

from minicoin.core.relay.inventory import KnownInventory


def test_the_oldest_leaves_first_and_repetition_refreshes():
    known = KnownInventory(3)
    for name in (b"a", b"b", b"c", b"a", b"d"):
        known.add(name)
    assert len(known) == 3
    assert b"b" not in known
    assert all(name in known for name in (b"a", b"c", b"d"))


def test_forgetting():
    known = KnownInventory(3)
    known.add(b"a")
    known.discard(b"a")
    known.discard(b"never")
    assert b"a" not in known
