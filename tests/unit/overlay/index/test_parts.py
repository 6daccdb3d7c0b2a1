"""A large view in parts."""

from collections import Counter

from minicoin.core.limits import INDEX_KNOWN_MAX, INDEX_MEMBERS_MAX
from minicoin.core.overlay.index.parts import ViewParts, member_key, reader_key
from minicoin.core.rng import Rng

IDS = tuple(number.to_bytes(4, "big") for number in range(10_000))


def test_a_view_is_divided_when_it_must_be_and_united_a_while_later():
    parts, seen = ViewParts(), []
    for members in (INDEX_KNOWN_MAX, INDEX_KNOWN_MAX + 1, INDEX_KNOWN_MAX, 750, 749, 10_000, INDEX_MEMBERS_MAX, 0):
        parts.fit(members)
        seen.append(len({parts.of(bytes([first])) for first in range(256)}))
    assert seen == [1, 4, 4, 4, 1, 32, 64, 1]


def test_every_key_lies_within_its_part():
    parts = ViewParts()
    for members in (0, 5_000, 20_000):
        parts.fit(members)
        for one in IDS[:500]:
            first, behind = parts.bounds(parts.of(member_key(one)))
            assert first <= member_key(one) < behind
    assert parts.bounds(parts.of(b"\xff" * 32))[1] > b"\xff" * 32


def test_who_reads_a_part_is_anywhere_as_a_member():
    parts = ViewParts()
    parts.fit(len(IDS))
    pairs = Counter((parts.of(reader_key(one)), parts.of(member_key(one))) for one in IDS)
    assert len(pairs) > 0.99 * 32 * 32 and max(pairs.values()) < 30


def test_a_change_follows_whatever_its_readers_were_told_before():
    """Against a list of what each reader was told of its slots, while the parts are divided and united."""
    for seed in range(20):
        rng, parts = Rng(bytes((seed,))), ViewParts()
        told = [0] * 256
        for at in range(1, 200):
            parts.fit(rng.below(20_001))
            part = parts.of(bytes([rng.below(256)]))
            slots = [first for first in range(256) if parts.of(bytes([first])) == part]
            assert parts.change(part, at) == max(told[slot] for slot in slots)
            for slot in slots:
                told[slot] = at
