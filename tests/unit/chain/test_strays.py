"""Which headers are forgotten: against a model that looks at every branch anew for each choice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.chain.header_node import STORED, HeaderNode
from minicoin.core.chain.strays import choose_strays
from minicoin.core.primitives.block import ZERO_HASH, BlockHash, BlockHeader


def node(parent: HeaderNode | None, nonce: int) -> HeaderNode:
    previous = ZERO_HASH if parent is None else parent.hash
    made = HeaderNode(BlockHeader(1, BlockHash(previous), bytes(32), nonce, 0x207FFFFF, nonce), parent, 2)
    if parent is not None:
        made.sibling, parent.child = parent.child, made
    return made


def chain(length: int, parent: HeaderNode | None = None, first: int = 0) -> list[HeaderNode]:
    made: list[HeaderNode] = []
    for number in range(length):
        made.append(node(made[-1] if made else parent, first + number))
    return made


def test_only_what_lies_off_the_best_chain_goes_from_the_ends_downwards() -> None:
    main = chain(6)
    branch = chain(3, main[2], first=100)
    chosen = choose_strays([main[-1], branch[-1]], main[-1], {}, (), excess=2)
    assert list(chosen.values()) == [branch[2], branch[1]]
    assert list(choose_strays([main[-1]], main[-1], {}, (), excess=9)) == []


def test_stored_blocks_and_what_is_kept_stay_with_all_below_them() -> None:
    main = chain(4)
    stored, kept = chain(3, main[1], first=100), chain(3, main[1], first=200)
    stored[1].status |= STORED
    leaves = [stored[-1], kept[-1]]
    chosen = choose_strays(leaves, main[-1], {kept[1].hash: kept[1]}, (), excess=9)
    assert list(chosen.values()) == [stored[2], kept[2]]


def test_what_is_weakly_kept_goes_last_and_in_order() -> None:
    main = chain(4)
    first, second, stray = chain(1, main[0], 100), chain(1, main[0], 200), chain(1, main[0], 300)
    leaves = [first[0], second[0], stray[0]]
    weak = [second[0], first[0]]
    assert list(choose_strays(leaves, main[-1], {}, weak, excess=1).values()) == [stray[0]]
    assert list(choose_strays(leaves, main[-1], {}, weak, excess=2).values()) == [stray[0], second[0]]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 30), min_size=4, max_size=25), st.integers(0, 12), st.data())
def test_a_choice_never_cuts_a_branch_in_the_middle(parents: list[int], excess: int, data: st.DataObject) -> None:
    main = chain(4)
    nodes = list(main)
    for number, parent in enumerate(parents):
        nodes.append(node(nodes[parent % len(nodes)], 1_000 + number))
    best = max(nodes, key=lambda one: one.chainwork)
    kept = {one.hash: one for one in data.draw(st.lists(st.sampled_from(nodes), max_size=2))}
    leaves = [one for one in nodes if one.child is None]
    chosen = choose_strays(leaves, best, kept, (), excess)
    assert len(chosen) <= excess
    for one in chosen.values():
        assert not one.is_ancestor_of(best)
        below = [other for other in nodes if one.is_ancestor_of(other)]
        assert all(other.hash in chosen for other in below)
        assert not any(other.hash in kept for other in below)
