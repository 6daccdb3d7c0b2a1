"""The header tree: what it refuses, what it chooses, and its ways through itself against a naive model."""

import dataclasses
import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import mainnet

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.primitives.target import meets_target
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.units import SECOND_US, Micros

REGTEST = lookup("regtest")
START = REGTEST.genesis.header.time
NOW = Micros((START + 1_000_000) * SECOND_US)


def mine(parent: BlockHeader, time: int | None = None, *, salt: int = 0, **changes: int) -> BlockHeader:
    """A header on `parent` that meets regtest's target; `salt` makes siblings differ."""
    header = BlockHeader(
        changes.get("version", 0x2000_0000),
        parent.hash,
        salt.to_bytes(32, "little"),
        parent.time + 60 if time is None else time,
        changes.get("bits", 0x207FFFFF),
        0,
    )
    nonce = 0
    while not meets_target(header.hash, REGTEST.pow_limit):
        nonce += 1
        header = dataclasses.replace(header, nonce=nonce)
    return header


def mine_chain(parent: BlockHeader, count: int, salt: int = 0) -> list[BlockHeader]:
    headers: list[BlockHeader] = []
    for _ in range(count):
        parent = mine(parent, salt=salt)
        headers.append(parent)
    return headers


def grow(tree: HeaderTree, parent: BlockHeader, count: int, salt: int = 0) -> list[HeaderNode]:
    return [tree.add(header, NOW) for header in mine_chain(parent, count, salt)]


def store(tree: HeaderTree, *nodes: HeaderNode) -> None:
    for node in nodes:
        tree.mark_stored(node.hash)


def refusal(tree: HeaderTree, header: BlockHeader, now: Micros = NOW) -> BlockRejected:
    with pytest.raises(BlockRejected) as caught:
        tree.add(header, now)
    return caught.value


@pytest.fixture
def tree() -> HeaderTree:
    return HeaderTree(REGTEST)


class TestAdd:
    def test_genesis_is_there(self, tree: HeaderTree) -> None:
        genesis = tree.genesis
        assert tree.get(REGTEST.genesis.hash) is genesis is tree.tip is tree.best_header is tree.best_candidate()
        assert tree.at_height(0) is genesis
        assert len(tree) == 1
        assert genesis.is_connected

    def test_known_header_is_given_back(self, tree: HeaderTree) -> None:
        (node,) = grow(tree, tree.genesis.header, 1)
        assert tree.add(node.header, NOW) is node
        assert len(tree) == 2

    def test_unknown_parent_may_come_later(self, tree: HeaderTree) -> None:
        first, second = mine_chain(tree.genesis.header, 2)
        rejected = refusal(tree, second)
        assert rejected.reason is BlockReason.UNKNOWN_PARENT
        assert not rejected.is_permanent
        tree.add(first, NOW)
        assert tree.add(second, NOW).height == 2

    def test_hash_above_target(self, tree: HeaderTree) -> None:
        header = mine(tree.genesis.header)
        nonce = header.nonce
        while meets_target(header.hash, REGTEST.pow_limit):
            nonce += 1
            header = dataclasses.replace(header, nonce=nonce)
        assert refusal(tree, header).reason is BlockReason.BAD_PROOF

    @pytest.mark.parametrize("bits", [0x2100FFFF, 0x20FFFFFF, 0, 0x01003456])
    def test_target_out_of_range(self, tree: HeaderTree, bits: int) -> None:
        header = dataclasses.replace(mine(tree.genesis.header), bits=bits)
        assert refusal(tree, header).reason is BlockReason.BAD_PROOF

    def test_other_bits_than_due(self, tree: HeaderTree) -> None:
        header = mine(tree.genesis.header, bits=0x207FFFFE)
        assert refusal(tree, header).reason is BlockReason.BAD_BITS

    def test_time_must_exceed_the_median(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 12)
        median = nodes[6].header.time
        assert refusal(tree, mine(nodes[-1].header, median)).reason is BlockReason.TIME_TOO_OLD
        assert tree.add(mine(nodes[-1].header, median + 1), NOW).height == 13

    def test_time_may_be_two_hours_ahead(self, tree: HeaderTree) -> None:
        limit = NOW // SECOND_US + 7200
        rejected = refusal(tree, mine(tree.genesis.header, limit + 1))
        assert rejected.reason is BlockReason.TIME_TOO_NEW
        assert not rejected.is_permanent
        assert tree.add(mine(tree.genesis.header, limit), NOW).height == 1

    def test_old_versions(self, tree: HeaderTree) -> None:
        assert refusal(tree, mine(tree.genesis.header, version=3)).reason is BlockReason.BAD_VERSION
        assert refusal(tree, mine(tree.genesis.header, version=-1)).reason is BlockReason.BAD_VERSION
        assert tree.add(mine(tree.genesis.header, version=4), NOW).height == 1

    def test_checkpoints(self) -> None:
        first, second = mine_chain(REGTEST.genesis.header, 2)
        tree = HeaderTree(dataclasses.replace(REGTEST, checkpoints=((2, second.hash),)))
        tree.add(first, NOW)
        assert refusal(tree, mine(first, salt=9)).reason is BlockReason.CHECKPOINT
        assert tree.add(second, NOW).height == 2

    def test_time_warp_on_bip94(self) -> None:
        network = _short_bip94()
        tree = HeaderTree(network)
        nodes = grow(tree, tree.genesis.header, 7)
        tree.add(late := mine(nodes[-1].header, START + 100_000), NOW)
        tree.add(last := mine(late, START + 200_000), NOW)
        assert refusal(tree, mine(last, last.time - 601)).reason is BlockReason.TIME_WARP
        assert tree.add(mine(last, last.time - 600), NOW).height == 10

    def test_child_of_an_invalid_block(self, tree: HeaderTree) -> None:
        first, second = grow(tree, tree.genesis.header, 2)
        tree.mark_invalid(first.hash)
        assert refusal(tree, mine(second.header)).reason is BlockReason.INVALID_PARENT
        assert refusal(tree, first.header).reason is BlockReason.MARKED_INVALID
        assert refusal(tree, second.header).reason is BlockReason.MARKED_INVALID


def _short_bip94() -> Network:
    text = dataclasses.replace(
        lookup("bitcoin-testnet4").retarget, interval=10, timespan_s=4, allow_min_difficulty=False
    )
    # A timespan of nothing keeps every target at the limit: only the times matter here.
    return dataclasses.replace(REGTEST, retarget=text)


class TestChoice:
    def test_headers_alone_are_no_candidates(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 3)
        assert tree.best_header is nodes[-1]
        assert tree.best_candidate() is tree.genesis

    def test_blocks_that_arrive_out_of_order_connect(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 4)
        store(tree, nodes[1], nodes[2])
        assert tree.best_candidate() is tree.genesis
        store(tree, nodes[0])
        assert tree.best_candidate() is nodes[2]
        store(tree, nodes[3])
        assert tree.best_candidate() is nodes[3]

    def test_first_seen_wins_a_tie(self, tree: HeaderTree) -> None:
        (one,) = grow(tree, tree.genesis.header, 1, salt=1)
        (other,) = grow(tree, tree.genesis.header, 1, salt=2)
        store(tree, other)
        store(tree, one)
        assert tree.best_candidate() is other
        tree.mark_invalid(other.hash)
        assert tree.best_candidate() is one

    def test_more_work_wins(self, tree: HeaderTree) -> None:
        short = grow(tree, tree.genesis.header, 2, salt=1)
        long = grow(tree, tree.genesis.header, 3, salt=2)
        store(tree, *short, *long)
        assert tree.best_candidate() is long[-1]

    def test_invalid_block_sends_back_to_the_next_best(self, tree: HeaderTree) -> None:
        short = grow(tree, tree.genesis.header, 3, salt=1)
        long = grow(tree, tree.genesis.header, 5, salt=2)
        store(tree, *short, *long)
        tree.mark_invalid(long[2].hash)
        assert tree.best_candidate() is short[2]
        assert tree.best_header is short[2]
        assert long[4].is_failed
        tree.mark_invalid(short[1].hash)
        assert tree.best_candidate() is long[1]

    def test_of_equal_headers_the_tip_is_the_best(self, tree: HeaderTree) -> None:
        (bare,) = grow(tree, tree.genesis.header, 1, salt=1)
        (backed, above) = grow(tree, tree.genesis.header, 2, salt=2)
        tree.mark_invalid(above.hash)
        assert tree.best_header is bare
        store(tree, backed)
        tree.set_tip(backed.hash)
        assert tree.best_header is backed
        # And again when the choice is made anew.
        (longer,) = grow(tree, bare.header, 1, salt=3)
        assert tree.best_header is longer
        tree.mark_invalid(longer.hash)
        assert tree.best_header is backed

    def test_reconsider_brings_it_back(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 5)
        store(tree, *nodes)
        tree.mark_invalid(nodes[1].hash)
        tree.mark_invalid(nodes[3].hash)
        tree.reconsider(nodes[2].hash)
        assert tree.best_candidate() is nodes[4]
        assert tree.best_header is nodes[4]

    def test_reconsider_keeps_other_branches_faults(self, tree: HeaderTree) -> None:
        trunk = grow(tree, tree.genesis.header, 2)
        one = grow(tree, trunk[-1].header, 2, salt=1)
        other = grow(tree, trunk[-1].header, 3, salt=2)
        store(tree, *trunk, *one, *other)
        tree.mark_invalid(other[0].hash)
        tree.mark_invalid(trunk[0].hash)
        assert tree.best_candidate() is tree.genesis
        tree.reconsider(one[1].hash)
        assert tree.best_candidate() is one[1]
        assert other[2].is_failed

    def test_genesis_cannot_be_invalid(self, tree: HeaderTree) -> None:
        with pytest.raises(MisuseError, match="genesis"):
            tree.mark_invalid(tree.genesis.hash)

    def test_unknown_blocks_are_misuse(self, tree: HeaderTree) -> None:
        for method in (tree.mark_stored, tree.mark_invalid, tree.reconsider, tree.set_tip):
            with pytest.raises(MisuseError, match="unknown block"):
                method(BlockHash(bytes(32)))


class TestActiveChain:
    def test_follows_a_reorganisation(self, tree: HeaderTree) -> None:
        one = grow(tree, tree.genesis.header, 3, salt=1)
        other = grow(tree, one[0].header, 4, salt=2)
        tree.set_tip(one[2].hash)
        assert [tree.at_height(height) for height in range(5)] == [tree.genesis, *one, None]
        tree.set_tip(other[3].hash)
        assert tree.tip is other[3]
        assert [tree.at_height(height) for height in range(6)] == [tree.genesis, one[0], *other]
        assert not tree.is_active(one[1]) and tree.is_active(one[0])
        tree.set_tip(one[0].hash)
        assert tree.tip is one[0] and tree.at_height(2) is None
        assert tree.at_height(-1) is None

    def test_tip_counts_as_stored(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 3)
        tree.set_tip(nodes[2].hash)
        assert tree.best_candidate() is nodes[2]
        assert all(node.is_stored and node.is_connected for node in nodes)

    def test_path_over_a_fork(self, tree: HeaderTree) -> None:
        one = grow(tree, tree.genesis.header, 3, salt=1)
        other = grow(tree, one[0].header, 2, salt=2)
        assert tree.path(one[2], other[1]) == (one[0], (other[0], other[1]))
        assert tree.path(other[1], one[0]) == (one[0], ())
        assert tree.path(tree.genesis, one[1]) == (tree.genesis, (one[0], one[1]))


class TestLoad:
    def test_takes_what_add_accepted(self, tree: HeaderTree) -> None:
        nodes = grow(tree, tree.genesis.header, 20)
        loaded = HeaderTree(REGTEST)
        loaded.load([tree.genesis.header, *(node.header for node in nodes)])
        assert loaded.best_header.hash == nodes[-1].hash
        assert loaded.best_header.chainwork == nodes[-1].chainwork
        assert loaded.best_candidate() is loaded.genesis

    def test_orphan_is_misuse(self, tree: HeaderTree) -> None:
        with pytest.raises(MisuseError, match="no stored parent"):
            tree.load([mine_chain(tree.genesis.header, 2)[1]])

    def test_descendant_of_an_invalid_block_is_invalid(self, tree: HeaderTree) -> None:
        headers = mine_chain(tree.genesis.header, 2)
        tree.load(headers[:1])
        tree.mark_invalid(headers[0].hash)
        tree.load(headers[1:])
        node = tree.get(headers[1].hash)
        assert node is not None and node.is_failed
        assert tree.best_header is tree.genesis


class NaiveTree:
    """The same choices by walking everything every time."""

    def __init__(self, genesis: BlockHash) -> None:
        self.parents: dict[BlockHash, BlockHash | None] = {genesis: None}
        self.stored = {genesis: True}
        self.invalid: dict[BlockHash, bool] = {}
        self.connected: list[BlockHash] = [genesis]

    def chain(self, block: BlockHash | None) -> Iterator[BlockHash]:
        while block is not None:
            yield block
            block = self.parents[block]

    def height(self, block: BlockHash) -> int:
        return sum(1 for _ in self.chain(block)) - 1

    def store(self, block: BlockHash) -> None:
        self.stored[block] = True

    def connect_new(self) -> list[BlockHash]:
        return [
            block
            for block in self.parents
            if block not in self.connected and all(step in self.stored for step in self.chain(block))
        ]

    def is_good(self, block: BlockHash) -> bool:
        return not any(step in self.invalid for step in self.chain(block))

    def best_heights(self) -> tuple[int, int]:
        good = [block for block in self.parents if self.is_good(block)]
        candidates = [block for block in self.connected if self.is_good(block)]
        return max(map(self.height, good)), max(map(self.height, candidates))


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "add", "store", "store", "invalid", "reconsider"]), st.integers(0, 10**6)),
    min_size=5,
    max_size=80,
)


@settings(max_examples=120, deadline=None)
@given(ACTIONS)
def test_choices_agree_with_a_naive_model(actions: list[tuple[str, int]]) -> None:
    tree = HeaderTree(REGTEST)
    model = NaiveTree(tree.genesis.hash)
    for salt, (action, choice) in enumerate(actions, start=1):
        blocks = list(model.parents)
        block = blocks[-1 - choice % min(4, len(blocks))] if choice % 3 else blocks[choice % len(blocks)]
        node = tree.get(block)
        assert node is not None
        match action:
            case "add":
                if not model.is_good(block):
                    continue
                child = tree.add(mine(node.header, salt=salt), NOW)
                model.parents[child.hash] = block
            case "store":
                tree.mark_stored(block)
                model.store(block)
                fresh = model.connect_new()
                model.connected += sorted(fresh, key=lambda new: _sequence(tree, new))
            case "invalid" if block != tree.genesis.hash:
                tree.mark_invalid(block)
                model.invalid[block] = True
            case "reconsider":
                tree.reconsider(block)
                for other in list(model.invalid):
                    if other in model.chain(block) or block in model.chain(other):
                        del model.invalid[other]
        _check_against(tree, model)


def _sequence(tree: HeaderTree, block: BlockHash) -> int:
    node = tree.get(block)
    assert node is not None
    return node.sequence


def _check_against(tree: HeaderTree, model: NaiveTree) -> None:
    header_height, candidate_height = model.best_heights()
    best = tree.best_candidate()
    assert tree.best_header.height == header_height
    assert best.height == candidate_height
    # First seen wins: no other candidate of that work connected earlier.
    rivals = [block for block in model.connected if model.is_good(block) and model.height(block) == candidate_height]
    assert best.hash == rivals[0]
    for block in model.parents:
        node = tree.get(block)
        assert node is not None
        assert node.is_failed == (not model.is_good(block))
        assert node.is_connected == (block in model.connected)
    tree.set_tip(best.hash)
    for height, block in enumerate(reversed(list(model.chain(best.hash)))):
        entry = tree.at_height(height)
        assert entry is not None and entry.hash == block


def test_the_last_of_two_thousand_headers_costs_what_the_first_does() -> None:
    """A headers message must not block the loop: what a header costs, in calls, does not grow with the chain."""
    headers = mine_chain(REGTEST.genesis.header, 2000)
    tree = HeaderTree(REGTEST)
    costs = [calls_of(lambda header=header: tree.add(header, Micros(NOW * 2))) for header in headers]
    assert max(costs) <= 2 * max(costs[:100]) < 100


def calls_of(action: Callable[[], object]) -> int:
    """How many functions of Python an action calls."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def test_mainnet_headers_of_2009() -> None:
    tree = HeaderTree(lookup("bitcoin"))
    for header in mainnet.headers():
        tree.add(header, Micros(1_300_000_000 * SECOND_US))
    assert tree.best_header.height == mainnet.HEIGHT
    assert tree.best_header.chainwork == 256 * 0x1_0001_0001


def test_snapshot_tells_counts_and_choices(tree: HeaderTree) -> None:
    one = grow(tree, tree.genesis.header, 3, salt=1)
    other = grow(tree, tree.genesis.header, 1, salt=2)
    store(tree, other[0], one[0])
    tree.set_tip(other[0].hash)
    seen = tree.snapshot()
    assert (seen.headers, seen.leaves, seen.best_header, seen.best_header_height) == (5, 2, one[2].hash, 3)
    assert (seen.best_candidate, seen.tip, seen.tip_height) == (other[0].hash, other[0].hash, 1)


# --- where the engine is sent ---


def test_the_engine_is_sent_one_way_at_a_time() -> None:
    tree = HeaderTree(REGTEST)
    one, two = grow(tree, REGTEST.genesis.header, 2)
    (rival,) = grow(tree, REGTEST.genesis.header, 1, salt=9)
    assert tree.may_extend(one) and not tree.may_extend(two)
    tree.send(one)
    assert tree.sent_to is one and not tree.may_send and not tree.may_extend(rival)
    with pytest.raises(MisuseError):
        tree.send(rival)
    tree.set_tip(one.hash)
    assert tree.sent_to is None
    # On the tip, but what it builds on is not where the engine stands.
    assert tree.may_extend(two) and not tree.may_extend(rival)


def test_a_refused_block_leaves_the_engine_where_it_stands_and_free_to_go() -> None:
    tree = HeaderTree(REGTEST)
    (one,) = grow(tree, REGTEST.genesis.header, 1)
    tree.send(one)
    tree.stay()
    assert tree.tip is tree.genesis and tree.may_extend(one)


def test_an_engine_that_is_halted_is_sent_nowhere() -> None:
    tree = HeaderTree(REGTEST)
    (one,) = grow(tree, REGTEST.genesis.header, 1)
    tree.halt()
    assert not tree.may_extend(one)
    with pytest.raises(MisuseError):
        tree.send(one)


def test_no_block_is_connected_on_its_arrival_while_a_better_one_waits() -> None:
    tree = HeaderTree(REGTEST)
    (one,) = grow(tree, REGTEST.genesis.header, 1)
    rivals = grow(tree, REGTEST.genesis.header, 2, salt=9)
    store(tree, *rivals)
    assert tree.best_candidate() is rivals[-1]
    assert not tree.may_extend(one)
