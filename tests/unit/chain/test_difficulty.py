"""Retargeting against numbers from Bitcoin Core's tests and the published aserti3-2d vectors."""

import dataclasses
from dataclasses import replace

import pytest

from minicoin.core.chain.difficulty import Difficulty, asert_target
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import Retarget, RetargetKind
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader
from minicoin.core.primitives.target import bits_to_target, target_to_bits
from minicoin.core.rng import Rng

BITCOIN = lookup("bitcoin")
LIMIT = BITCOIN.pow_limit
HALF_LIFE_S = 2 * 24 * 3600


def _grow(parent: HeaderNode | None, time: int, bits: int) -> HeaderNode:
    previous = ZERO_HASH if parent is None else parent.hash
    return HeaderNode(BlockHeader(4, BlockHash(previous), bytes(32), time, bits, 0), parent, 1)


def _window(first_time: int, last_time: int, bits: int, first_bits: int | None = None) -> HeaderNode:
    """A chain of 2016 headers of which only the ends' times matter."""
    node = _grow(None, first_time, bits if first_bits is None else first_bits)
    for _ in range(2014):
        node = _grow(node, last_time, bits)
    return _grow(node, last_time, bits)


def test_bits_stay_within_a_window() -> None:
    parent = _grow(_grow(None, 1, 0x1C05A3F4), 1_000_000, 0x1C05A3F4)
    assert Difficulty(BITCOIN).next_bits(parent, 2_000_000) == 0x1C05A3F4


@pytest.mark.parametrize(
    ("first_time", "last_time", "bits", "expected"),
    [
        pytest.param(1261130161, 1262152739, 0x1D00FFFF, 0x1D00D86A, id="block 32256"),
        pytest.param(1231006505, 1233061996, 0x1D00FFFF, 0x1D00FFFF, id="held by the pow limit"),
        pytest.param(1279008237, 1279297671, 0x1C05A3F4, 0x1C0168FD, id="block 68544, at most a quarter"),
        pytest.param(1263163443, 1269211443, 0x1C387F6F, 0x1D00E1FD, id="at most four times"),
    ],
)
def test_known_retargets(first_time: int, last_time: int, bits: int, expected: int) -> None:
    assert Difficulty(BITCOIN).next_bits(_window(first_time, last_time, bits), last_time + 1) == expected


def test_bip94_counts_from_the_bits_of_the_first_block() -> None:
    two_weeks = 14 * 24 * 3600
    parent = _window(0, two_weeks, 0x1D00FFFF, first_bits=0x1C05A3F4)
    assert Difficulty(lookup("bitcoin-testnet4")).next_bits(parent, two_weeks) == 0x1C05A3F4
    assert Difficulty(lookup("bitcoin-testnet3")).next_bits(parent, two_weeks) == 0x1D00FFFF


def test_bip94_bounds_the_time_of_the_first_block_of_a_window() -> None:
    parent = _window(0, 10_000, 0x1D00FFFF)
    assert Difficulty(lookup("bitcoin-testnet4")).earliest_time(parent) == 10_000 - 600
    assert Difficulty(lookup("bitcoin-testnet3")).earliest_time(parent) == 0
    assert parent.parent is not None
    assert Difficulty(lookup("bitcoin-testnet4")).earliest_time(parent.parent) == 0


class TestMinimumDifficulty:
    network = lookup("bitcoin-testnet3")

    def _chain(self, *bits: int) -> HeaderNode:
        node = _grow(None, 0, 0x1D00FFFF)
        for position, value in enumerate(bits, start=1):
            node = _grow(node, position, value)
        return node

    def test_late_block_may_use_the_limit(self) -> None:
        parent = self._chain(0x1C05A3F4)
        assert Difficulty(self.network).next_bits(parent, parent.header.time + 1200) == 0x1C05A3F4
        assert Difficulty(self.network).next_bits(parent, parent.header.time + 1201) == 0x1D00FFFF

    def test_timely_block_goes_back_to_the_last_ordinary_bits(self) -> None:
        parent = self._chain(0x1C05A3F4, 0x1D00FFFF, 0x1D00FFFF)
        assert Difficulty(self.network).next_bits(parent, parent.header.time) == 0x1C05A3F4

    def test_walk_ends_at_the_start_of_the_window(self) -> None:
        parent = self._chain(0x1D00FFFF, 0x1D00FFFF)
        assert Difficulty(self.network).next_bits(parent, parent.header.time) == 0x1D00FFFF

    def test_memo_changes_no_answer(self) -> None:
        difficulty = Difficulty(self.network)
        parent = self._chain(0x1C05A3F4)
        other = self._chain(0x1B0404CB, 0x1D00FFFF)
        for _ in range(5):
            parent = _grow(parent, parent.header.time + 1, 0x1D00FFFF)
            assert difficulty.next_bits(parent, parent.header.time) == 0x1C05A3F4
            assert difficulty.next_bits(other, other.header.time) == 0x1B0404CB


def test_no_retargeting_keeps_the_bits() -> None:
    parent = _window(0, 5, 0x207FFFFF)
    assert Difficulty(lookup("regtest")).next_bits(parent, 10**9) == 0x207FFFFF
    assert Difficulty(lookup("bitcoin-regtest")).next_bits(parent, 10**9) == 0x207FFFFF


def _asert_bits(anchor_bits: int, height: int, time: int) -> int:
    """As the published vectors put it: anchor at height 1, its parent at time 0, 600 s spacing, two days half life."""
    anchor = bits_to_target(anchor_bits)
    assert anchor is not None
    target = asert_target(
        anchor, elapsed_s=time, blocks=height - 1, spacing_s=600, half_life_s=HALF_LIFE_S, limit=LIMIT
    )
    return target_to_bits(target)


@pytest.mark.parametrize(
    ("anchor_bits", "height", "time", "expected"),
    [
        # run 1: steady at the limit.
        (0x1D00FFFF, 2, 1200, 0x1D00FFFF),
        (0x1D00FFFF, 11, 6600, 0x1D00FFFF),
        # run 5: a half life of blocks at a time without any time passing.
        (0x1D00FFFF, 2, 0, 0x1D00FEC5),
        (0x1D00FFFF, 290, 0, 0x1C7F62C0),
        (0x1D00FFFF, 578, 0, 0x1C3FB160),
        (0x1D00FFFF, 2594, 0, 0x1B7F62C0),
        (0x1D00FFFF, 60194, 0, 0x027F6200),
        (0x1D00FFFF, 63938, 0, 0x01030000),
        (0x1D00FFFF, 64514, 0, 0x01010000),
        # run 8: random solve times while the hash rate falls.
        (0x1802AEE8, 2, 1200, 0x1802AEE8),
        (0x1802AEE8, 3, 1310, 0x1802AD91),
        (0x1802AEE8, 9, 7099, 0x1802B39C),
        (0x1802AEE8, 22, 33606, 0x1802E994),
        (0x1802AEE8, 98, 317896, 0x180795E1),
        (0x1802AEE8, 187, 1078358, 0x19008158),
        (0x1802AEE8, 351, 3912900, 0x1A734B80),
        (0x1802AEE8, 484, 6930238, 0x1D00E688),
        (0x1802AEE8, 501, 7462933, 0x1D00FFFF),
    ],
)
def test_published_asert_vectors(anchor_bits: int, height: int, time: int, expected: int) -> None:
    assert _asert_bits(anchor_bits, height, time) == expected


@pytest.mark.parametrize(
    ("target", "time", "blocks", "expected"),
    [
        (LIMIT, 0, 2 * 144, LIMIT >> 1),
        (LIMIT >> 3, 0, 2 * 144, LIMIT >> 4),
        (LIMIT, 0, 2 * (256 - 34) * 144 + 119, 3),
        (LIMIT, 0, 2 * (256 - 34) * 144 + 120, 2),
        (LIMIT, 0, 2 * (256 - 32) * 144, 1),
        (1, 0, 2 * (256 - 32) * 144, 1),
        (1, (512 - 64) * 144 * 600, 0, LIMIT),
        (LIMIT, 300, 1, 0xFFB1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF),
        (1, 600 * 2 * 224 * 144 - 1, 0, 0xFFFF8 << 204),
    ],
)
def test_known_asert_targets(target: int, time: int, blocks: int, expected: int) -> None:
    elapsed = 600 + time
    found = asert_target(target, elapsed_s=elapsed, blocks=blocks, spacing_s=600, half_life_s=HALF_LIFE_S, limit=LIMIT)
    assert found == expected


class TestAsertOnAChain:
    network: Network = lookup("main")

    def test_starts_at_the_limit_whatever_the_age_of_the_genesis(self) -> None:
        genesis = HeaderNode(self.network.genesis.header, None, 1)
        years_later = self.network.genesis.header.time + 3 * 365 * 24 * 3600
        first = _grow(genesis, years_later, 0x1E00FFFF)
        difficulty = Difficulty(self.network)
        assert difficulty.next_bits(genesis, years_later) == 0x1E00FFFF
        assert difficulty.next_bits(first, years_later + 60) == 0x1E00FFFF

    def test_a_half_life_of_instant_blocks_halves_the_target(self) -> None:
        node = _grow(HeaderNode(self.network.genesis.header, None, 1), 2_000_000_000, 0x1E00FFFF)
        difficulty = Difficulty(self.network)
        for _ in range(60):
            node = _grow(node, node.header.time, difficulty.next_bits(node, 0))
        target = bits_to_target(difficulty.next_bits(node, 0))
        assert target is not None
        assert abs(target / (self.network.pow_limit / 2) - 1) < 0.001

    def test_steady_blocks_keep_the_target(self) -> None:
        network = dataclasses.replace(self.network, retarget=Retarget(RetargetKind.ASERT, half_life_s=3600))
        node = _grow(HeaderNode(network.genesis.header, None, 1), 2_000_000_000, 0x1D123456)
        for _ in range(20):
            node = _grow(node, node.header.time + 60, 0x1D123456)
            assert Difficulty(network).next_bits(node, 0) == 0x1D123456


class TestWhatAChainThatIsNotKeptMayClaim:
    """`permits` never refuses a valid chain, and lets nobody claim much work in few headers."""

    ASERT = lookup("main")

    def test_a_valid_asert_chain_is_permitted_whatever_its_times(self) -> None:
        rule, rng = Difficulty(self.ASERT), Rng(b"times")
        node = _grow(None, 1_000_000, self.ASERT.pow_limit_bits)
        for _ in range(2_000):
            # Mostly too fast, so that it becomes hard, with pauses and steps back.
            step = 7_200 if rng.below(500) == 0 else rng.choice((1, 5, 20, 20, 30, 60, 90, -30))
            bits = rule.next_bits(node, node.header.time + step)
            child = _grow(node, node.header.time + step, bits)
            before = None if node.parent is None else node.parent.header
            assert rule.permits(child.height, child.header, node.header, before)
            node = child
        assert node.header.bits != self.ASERT.pow_limit_bits

    def test_an_asert_step_beyond_its_time_is_refused(self) -> None:
        rule = Difficulty(self.ASERT)
        node = _grow(None, 1_000_000, self.ASERT.pow_limit_bits)
        for _ in range(100):
            node = _grow(node, node.header.time + 1, rule.next_bits(node, node.header.time + 1))
        assert node.parent is not None
        bits = rule.next_bits(node, node.header.time + 1)
        target = bits_to_target(bits)
        assert target is not None
        for claimed, is_permitted in ((target, True), (target * 98 // 100, False), (target * 102 // 100, False)):
            header = BlockHeader(4, node.hash, bytes(32), node.header.time + 1, target_to_bits(claimed), 0)
            assert rule.permits(node.height + 1, header, node.header, node.parent.header) is is_permitted

    @pytest.mark.parametrize("name", ["bitcoin", "bitcoin-signet"])
    def test_a_window_moves_by_four_times_at_most_and_only_at_its_end(self, name: str) -> None:
        rule, previous = Difficulty(lookup(name)), BlockHeader(4, ZERO_HASH, bytes(32), 1, 0x1C05A3F4, 0)
        base = bits_to_target(previous.bits)
        assert base is not None

        def asks(height: int, target: int) -> bool:
            return rule.permits(height, replace(previous, bits=target_to_bits(target)), previous, None)

        assert asks(2016, base * 4) and asks(2016, base // 4) and asks(2016, base)
        assert not asks(2016, base * 41 // 10) and not asks(2016, base // 5)
        assert asks(2015, base) and not asks(2015, base * 2) and not asks(2017, base // 2)

    def test_known_retargets_are_permitted(self) -> None:
        for before, after in ((0x1D00FFFF, 0x1D00D86A), (0x1C05A3F4, 0x1C0168FD), (0x1C387F6F, 0x1D00E1FD)):
            previous = BlockHeader(4, ZERO_HASH, bytes(32), 1, before, 0)
            assert Difficulty(BITCOIN).permits(4032, replace(previous, bits=after), previous, None)

    def test_where_minimum_difficulty_blocks_are_allowed_nothing_can_be_told(self) -> None:
        previous = BlockHeader(4, ZERO_HASH, bytes(32), 1, 0x1C05A3F4, 0)
        assert Difficulty(lookup("bitcoin-testnet3")).permits(5, replace(previous, bits=0x1D00FFFF), previous, None)

    def test_without_retargeting_the_bits_never_move(self) -> None:
        previous = BlockHeader(4, ZERO_HASH, bytes(32), 1, 0x207FFFFF, 0)
        rule = Difficulty(lookup("regtest"))
        assert rule.permits(5, previous, previous, None)
        assert not rule.permits(5, replace(previous, bits=0x1D00FFFF), previous, None)
