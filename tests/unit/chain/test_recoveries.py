"""A chain behind a recovery: for who names it, for who does not, and for who was on another way."""

from dataclasses import replace

import pytest

from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected
from minicoin.core.signers.recovery import NO_RECOVERY
from minicoin.core.units import Micros

from .five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS, connect, engine_at, maker, says
from .recovered_banks import LEFT, NEW_LIST, behind, lock_on, naming, other_block, recovery


def engine_of(network, store=None) -> ChainEngine:
    return ChainEngine(network, store or MemoryChainStore(), ScriptedVerifier())


def tree_with(network, blocks=()) -> HeaderTree:
    tree = HeaderTree(network)
    for certified in blocks:
        add(tree, certified)
    return tree


def add(tree: HeaderTree, certified, recoveries=()) -> None:
    tree.certify(certified.certificate, certified.next_members, recoveries)
    tree.add(certified.header, Micros(0))


def refusal(tree: HeaderTree, certified, recoveries=()) -> BlockRejected:
    with pytest.raises(BlockRejected) as caught:
        add(tree, certified, recoveries)
    return caught.value


def halted(height: int = 3):
    """(the chain at the halt, its recovery, the chain as it goes on)."""
    made = maker(height)
    signed = recovery(made)
    return made, signed, behind(made, signed)


def test_what_holds_where() -> None:
    made, signed, _ = halted()
    second = recovery(made, KEYS[:2], signers=LEFT[:2], previous=signed.hash)
    held = Recoveries(NETWORK.network_id, (signed, second))
    assert (held.at(3), held.at(4)) == (None, second)
    assert (held.epoch(3), held.epoch(9)) == (NO_RECOVERY, second.hash)
    assert held.behind(3) == (signed, second)
    assert held.domain(3) == NETWORK.network_id != held.domain(4)
    assert (held.named_block(3), held.named_block(4), held.bound(4)) == (made.tip.hash, None, None)


def test_the_new_list_goes_on_and_is_followed_by_who_names_it() -> None:
    _, signed, after = halted()
    after.grow(3)
    tree = tree_with(after.network, after.blocks)
    signers = tree.signers
    assert [signers.members_at(height) for height in (3, 4, 7)] == [FOUNDING, NEW_LIST, NEW_LIST]
    assert signers.claimed_at(4) == FOUNDING
    assert signers.kept_at(3).members is None
    engine = engine_of(after.network)
    for certified in after.blocks:
        assert connect(engine, certified) == ""
    carried = [read_tags(certified.block.transactions[0]).recoveries for certified in after.blocks]
    assert carried == [(), (), (), (), (signed,), ()]


def test_who_does_not_name_it_is_told_which_one() -> None:
    made, signed, after = halted()
    after.extend()
    tree = tree_with(NETWORK, made.blocks)
    found = refusal(tree, after.blocks[-1], (signed,))
    assert found.reason is BlockReason.RECOVERY
    assert not found.is_permanent
    assert signed.hash.hex() in found.detail
    assert tree.signers.unnamed == (signed,)
    # Shown without it, there is only a certificate that does not hold.
    assert refusal(tree, after.blocks[-1]).reason is BlockReason.CERTIFICATE
    assert tree.signers.finalized == 3


def test_a_recovery_that_nobody_signed_is_its_senders_fault() -> None:
    made, signed, after = halted()
    after.extend()
    tree = tree_with(NETWORK, made.blocks)
    bare = replace(signed, signatures=signed.signatures[:2])
    assert refusal(tree, after.blocks[-1], (bare,)).reason is BlockReason.CERTIFICATE
    foreign = replace(signed, height=2)
    assert refusal(tree, after.blocks[-1], (foreign,)).reason is BlockReason.RECOVERY
    follows = replace(signed, previous=b"p" * 32)
    assert refusal(tree, after.blocks[-1], (follows,)).reason is BlockReason.RECOVERY
    assert tree.signers.unnamed == ()


def test_one_that_too_few_signed_holds_nowhere() -> None:
    made = maker(3)
    signed = recovery(made, signers=LEFT[:2])
    after = behind(made, signed)
    after.extend()
    tree = tree_with(after.network, made.blocks)
    assert "takes 3 of 5" in refusal(tree, after.blocks[-1]).detail


def test_the_members_before_are_left_behind_and_another_block_of_theirs_is_evidence() -> None:
    made, signed, after = halted()
    old = made.certify(made.next_block())
    tree = tree_with(after.network, made.blocks)
    # It is proof that the recovery should have bound it: more members lied than the list tolerates.
    assert refusal(tree, old).reason is BlockReason.RECOVERY
    left = tree.signers.left_branch
    assert left is not None
    assert (left.certificate, left.recovery) == (old.certificate, signed)
    assert signed.hash.hex() in left.text
    after.append(after.certify(after.next_block()))
    add(tree, after.blocks[-1])
    assert tree.signers.finalized == 4
    assert tree.signers.second_certificate is None


def test_a_late_certificate_of_the_same_block_is_no_evidence() -> None:
    made = maker(3)
    block = made.next_block()
    after = behind(made, recovery(made, lock=lock_on(block.hash)))
    tree = tree_with(after.network, made.blocks)
    assert refusal(tree, made.certify(block)).reason is BlockReason.RECOVERY
    assert tree.signers.left_branch is None
    add(tree, after.certify(block))
    add(tree, made.certify(block))
    assert tree.signers.left_branch is None


def test_another_block_where_it_names_one_is_refused() -> None:
    made = maker(2)
    other = made.certify(other_block(made))
    made.extend()
    tree = tree_with(naming(recovery(made)), made.blocks[:2])
    assert refusal(tree, other).reason is BlockReason.RECOVERY
    add(tree, made.blocks[2])


def test_a_lock_binds_whatever_the_new_list_signs() -> None:
    made = maker(3)
    block = made.next_block()
    after = behind(made, recovery(made, lock=lock_on(block.hash, 2)))
    tree = tree_with(after.network, made.blocks)
    assert "binds block" in refusal(tree, after.certify(other_block(after))).detail
    add(tree, after.append(after.certify(block)))
    after.grow(2)
    engine = engine_of(after.network)
    for certified in after.blocks:
        assert connect(engine, certified) == ""


def test_a_change_in_a_block_that_is_bound_is_void() -> None:
    made = maker(3)
    block = made.next_block(change=made.change((*KEYS, *NEW_KEYS)))
    after = behind(made, recovery(made, lock=lock_on(block.hash)))
    after.append(after.certify(block))
    after.grow(4)
    engine = engine_of(after.network)
    for certified in after.blocks:
        assert connect(engine, certified) == ""
    assert engine.changes() == ()
    assert engine.activate(after.blocks[2].block.hash, ())[0].disconnected[-1].summary.changes == ()


def test_what_was_pending_is_void_and_the_next_change_follows_the_recovery() -> None:
    made = maker(2)
    made.extend(change=made.change((*KEYS, *NEW_KEYS), from_height=6))
    signed = recovery(made)
    after = behind(made, signed)
    after.grow(4)
    assert after.history.members_at(8) == NEW_LIST
    assert after.history.pending(8) is None
    assert (after.history.next_version, after.history.last_hash) == (3, signed.hash)
    after.extend(change=after.change((*LEFT, *NEW_KEYS)))
    after.grow(3)
    assert len(after.history.members_at(11)) == 5
    engine = engine_of(after.network)
    for certified in after.blocks:
        assert connect(engine, certified) == ""
    assert [carried.height for carried in engine.changes()] == [3, 8]
    tree = tree_with(after.network, after.blocks)
    assert tree.signers.members_at(10) == after.history.members_at(10)


def test_a_second_one_later_and_a_second_one_at_once() -> None:
    _, first, after = halted()
    after.grow(2)
    second = recovery(after, KEYS[:2], signers=LEFT[:2], previous=first.hash)
    third = recovery(after, LEFT[:1], signers=LEFT[:1], previous=second.hash)
    again = behind(after, first, second, third)
    again.grow(3)
    engine = engine_of(again.network)
    for certified in again.blocks:
        assert connect(engine, certified) == ""
    assert read_tags(again.blocks[6].block.transactions[0]).recoveries == (second, third)
    tree = tree_with(after.network, after.blocks)
    assert refusal(tree, again.blocks[5], (second, third)).reason is BlockReason.RECOVERY
    assert tree.signers.unnamed == (second,)


def test_a_lock_of_the_first_one_binds_behind_the_second() -> None:
    made = maker(3)
    block = made.next_block()
    first = recovery(made, lock=lock_on(block.hash))
    second = recovery(made, LEFT[:2], signers=LEFT[:2], previous=first.hash)
    after = behind(made, first, second)
    tree = tree_with(after.network, made.blocks)
    assert "binds block" in refusal(tree, after.certify(other_block(after))).detail
    add(tree, after.certify(block))


def test_a_network_may_be_recovered_before_its_first_block() -> None:
    made = maker(0)
    after = behind(made, recovery(made))
    after.grow(3)
    engine = engine_of(after.network)
    for certified in after.blocks:
        assert connect(engine, certified) == ""


def test_a_block_carries_the_recovery_that_its_parent_was_signed_behind() -> None:
    _, signed, after = halted()
    after.extend()
    parent = after.blocks[-1].certificate

    def refused(*carried) -> str:
        engine = engine_of(after.network)
        for certified in after.blocks:
            assert connect(engine, certified) == ""
        return connect(engine, after.certify(after.next_block(tags=CoinbaseTags(parent, recoveries=carried))))

    assert says(refused(), BlockReason.COINBASE_TAGS)
    assert says(refused(signed, signed), BlockReason.COINBASE_TAGS)
    assert "takes 3 of 5" in refused(replace(signed, signatures=signed.signatures[1:]))
    assert refused(signed) == ""
    other = behind(maker(3))
    other.extend()
    unnamed = other.certify(other.next_block(tags=CoinbaseTags(other.blocks[-1].certificate, recoveries=(signed,))))
    assert "configuration names are: none" in connect(engine_at(other), unnamed)


def test_who_comes_back_takes_back_what_the_members_before_certified() -> None:
    made = maker(3)
    block = made.next_block()
    named = recovery(made, lock=lock_on(block.hash))
    store = MemoryChainStore()
    late = engine_of(NETWORK, store)
    made.append(made.certify(block))
    for certified in made.blocks:
        assert connect(late, certified) == ""
    late.flush()
    again = engine_of(naming(named), store)
    assert again.height == 3
    tree = HeaderTree(naming(named))
    tree.load(again.headers(), again.certificates())
    assert tree.signers.finalized == 3
    made.blocks.pop()
    after = behind(made, named)
    after.append(after.certify(block))
    after.grow(2)
    for certified in after.blocks[3:]:
        assert connect(again, certified) == ""
    again.flush()
    assert engine_of(naming(named), store).height == 6


def test_a_node_that_only_keeps_headers_leaves_them_too() -> None:
    made = maker(3)
    named = recovery(made)
    made.grow(2)
    old = tree_with(NETWORK, made.blocks)
    headers = [certified.header for certified in made.blocks]
    tree = HeaderTree(naming(named))
    tree.load(headers, old.certificates(headers))
    assert tree.best_header.height == tree.signers.finalized == 3


def test_it_ends_what_a_second_certificate_stopped() -> None:
    made = maker(2)
    other = made.certify(other_block(made))
    made.extend()
    tree = tree_with(NETWORK, made.blocks)
    assert refusal(tree, other).reason is BlockReason.SECOND_CERTIFICATE
    assert tree.signers.second_certificate is not None
    named = tree_with(naming(recovery(made)), made.blocks)
    assert refusal(named, other).reason is BlockReason.RECOVERY
    assert named.signers.second_certificate is None


def test_one_behind_it_stops_again() -> None:
    made = maker(2)
    first = made.certify(other_block(made)).certificate
    made.extend()
    signed = recovery(made)
    after = behind(made, signed)
    after.extend()
    tree = tree_with(after.network, after.blocks)
    tree.signers.note_second(made.blocks[2].certificate, first)
    assert tree.signers.second_certificate is None
    later = after.blocks[3].certificate
    tree.signers.note_second(replace(later, block=first.block), later)
    second = tree.signers.second_certificate
    assert second is not None and (second.kept, second.other.block) == (later, first.block)
