"""Blocks that members sign, as the engine judges them."""

from dataclasses import replace

import pytest

from minicoin.core.chain.carried import Carried
from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.core.script.sigops import legacy_sigops
from minicoin.core.signers.members import member_list
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import ALLOCATED_SAT, CertifiedMaker, allocation_of, public, signer_network
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.spends import SpendKind, output_script

from .five_banks import FOUNDING, KEYS, NETWORK, NEW_KEYS, connect, engine_at, maker, new_engine, says, tree_of

ALLOCATION = tuple(TxOut(amount, script) for script, amount in allocation_of(3))
EXTRA = TxOut(1, output_script(SpendKind.P2WPKH, 9))


def refusal(made, block) -> str:
    """Of a block on the maker's tip that is certified all the same."""
    return connect(engine_at(made), made.certify(block))


def test_a_chain_connects() -> None:
    made = maker(5)
    engine = engine_at(made)
    assert engine.tip == made.blocks[-1].block.hash
    assert list(engine.certificates()) == [certified.kept for certified in made.blocks]
    assert [engine.coin(coin.outpoint) is not None for coin in made.allocated] == [True] * 3


def test_allocated_coins_are_spent_and_fees_claimed() -> None:
    made = maker(1)
    engine = engine_at(made)
    coins = made.allocated
    spend, _ = ChainMaker(NETWORK).spend(coins[:2], 2, 1_000)
    certified = made.extend([spend], fees_sat=1_000)
    assert connect(engine, certified) == ""
    assert [engine.coin(coin.outpoint) is not None for coin in coins] == [False, False, True]


def test_more_than_fees_cannot_be_claimed() -> None:
    made = maker(1)
    assert says(refusal(made, made.next_block(fees_sat=1)), BlockReason.COINBASE_AMOUNT)


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (ALLOCATION[:2], BlockReason.COINBASE_ALLOCATION),
        (ALLOCATION[::-1], BlockReason.COINBASE_ALLOCATION),
        ((), BlockReason.COINBASE_ALLOCATION),
        ((EXTRA, *ALLOCATION), BlockReason.COINBASE_ALLOCATION),
        ((TxOut(ALLOCATED_SAT - 1, ALLOCATION[0].script_pubkey), *ALLOCATION[1:]), BlockReason.COINBASE_ALLOCATION),
        ((*ALLOCATION, EXTRA), BlockReason.COINBASE_AMOUNT),
    ],
)
def test_block_one_pays_the_allocation_exactly(outputs, reason) -> None:
    made = maker(0)
    assert says(refusal(made, made.next_block(outputs=outputs)), reason)


def test_block_one_carries_no_certificate() -> None:
    made = maker(0)
    other = maker(1).blocks[0].certificate
    assert says(refusal(made, made.next_block(tags=CoinbaseTags(other))), BlockReason.COINBASE_TAGS)


def test_from_block_two_on_a_coinbase_carries_its_parents() -> None:
    made = maker(2)
    block = made.next_block(tags=CoinbaseTags())
    assert "no certificate" in refusal(made, block)
    assert says(refusal(made, block), BlockReason.COINBASE_TAGS)
    older = made.next_block(tags=CoinbaseTags(made.blocks[0].certificate))
    assert "is not its parent's" in refusal(made, older)
    kept = made.blocks[-1].certificate
    forged = made.next_block(tags=CoinbaseTags(replace(kept, signatures=(bytes(64), *kept.signatures[1:]))))
    assert says(refusal(made, forged), BlockReason.CERTIFICATE)


def test_it_may_be_another_than_the_one_that_came_with_the_header() -> None:
    made = maker(1)
    engine = engine_at(made)
    first = made.blocks.pop()
    other = made.certify(first.block, round_=3, signers=KEYS[1:]).certificate
    made.blocks.append(first)
    assert other != first.certificate
    certified = made.append(made.certify(made.next_block(tags=CoinbaseTags(other))))
    assert connect(engine, certified) == ""


def test_a_carried_certificate_that_names_another_list_is_refused() -> None:
    made = maker(2)
    engine = engine_at(made)
    last = made.blocks.pop()
    bent = made.certify(last.block, next_members=member_list(map(public, KEYS[1:]))).certificate
    made.blocks.append(last)
    certified = made.certify(made.next_block(tags=CoinbaseTags(bent)))
    assert says(connect(engine, certified), BlockReason.NEXT_MEMBERS)


def test_garbage_behind_the_commitment_is_refused() -> None:
    made = maker(1)
    block = made.next_block(tags=Twice(made.blocks[-1].certificate))
    assert says(refusal(made, block), BlockReason.COINBASE_TAGS)


class Twice(CoinbaseTags):
    def encode(self) -> bytes:
        return CoinbaseTags.encode(self) * 2


def test_changes_come_into_force_two_blocks_on() -> None:
    made = maker(2)
    made.extend(change=made.change((*KEYS[1:], *NEW_KEYS)))
    made.grow(3)
    made.extend(change=made.change(KEYS))
    made.grow(3)
    engine = engine_at(made)
    assert [carried.height for carried in engine.changes()] == [3, 7]
    assert isinstance(NETWORK.proof, SignersKind)
    carried = Carried(NETWORK.proof, Recoveries(bytes(32), ()))
    carried.load(engine.changes(), engine.height)
    history = carried.members
    assert [len(history.members_at(height)) for height in range(3, 11)] == [5, 5, 6, 6, 6, 6, 5, 5]
    assert history.members_at(9) == FOUNDING


def test_a_change_needs_a_quorum_of_the_list_that_carries_it() -> None:
    made = maker(2)
    few = made.change(KEYS[1:], signers=KEYS[:3])
    assert says(refusal(made, made.next_block(change=few)), BlockReason.MEMBER_CHANGE)
    assert "quorum is 4" in refusal(made, made.next_block(change=few))
    strangers = made.change(KEYS[1:], signers=(*KEYS[:4], NEW_KEYS[0]))
    assert "no member's" in refusal(made, made.next_block(change=strangers))
    made.extend(change=made.change((*KEYS[2:], *NEW_KEYS)))
    made.grow(1)
    old = made.change(KEYS, signers=KEYS[:4])
    assert "no member's" in refusal(made, made.next_block(change=old))


def test_a_change_that_does_not_follow_is_refused_when_connected() -> None:
    made = maker(2)
    late = made.change(KEYS[1:], from_height=4)
    assert "too late" in refusal(made, made.next_block(change=late))
    # Signed by so many that the signatures are good under its own list too.
    first = made.change((*KEYS, *NEW_KEYS), from_height=9, signers=KEYS)
    made.extend(change=first)
    again = made.next_block(change=first)
    assert "pending" in refusal(made, again)
    made.grow(7)
    assert "version 1, expected 2" in refusal(made, made.next_block(change=first))


def test_a_certificate_that_claims_another_list_is_refused_when_connected() -> None:
    made = maker(2)
    engine = engine_at(made)
    certified = made.certify(made.next_block(), next_members=member_list(map(public, KEYS[1:])))
    found = connect(engine, certified)
    assert says(found, BlockReason.NEXT_MEMBERS)
    assert engine.height == 2
    coins = engine.coin_set_hash()
    assert coins == engine_at(maker(2)).coin_set_hash()


def test_a_change_that_the_certificates_leave_out_is_noticed() -> None:
    made = maker(2)
    engine = engine_at(made)
    carrying = made.extend(change=made.change(KEYS[1:]))
    assert connect(engine, carrying) == ""
    certified = made.certify(made.next_block(), next_members=FOUNDING)
    assert says(connect(engine, certified), BlockReason.NEXT_MEMBERS)


def test_a_block_without_a_certificate_is_not_stored() -> None:
    made = maker(1)
    engine = new_engine()
    certified = made.blocks[0]
    engine.add_headers((certified.header,))
    assert list(engine.headers()) == []


def test_a_restart_knows_certificates_lists_and_changes() -> None:
    store = MemoryChainStore()
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(3)
    engine = engine_at(made, store)
    engine.flush()
    again = new_engine(store)
    assert list(again.certificates()) == list(engine.certificates())
    assert len(again.changes()) == 1
    assert again.changes() == engine.changes()
    assert connect(again, made.extend()) == ""


def test_disconnecting_takes_a_change_back() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    engine = engine_at(made)
    tree = tree_of(made.blocks)
    tree.set_tip(engine.tip)
    assert tree.signers is not None
    tree.signers.carried.load(engine.changes(), engine.height)
    for _ in range(2):
        update, _ = engine.activate(made.blocks[1].block.hash, ())
        tree.follow(update)
        assert engine.changes() == tree.signers.carried.all() == ()
        update, invalid = engine.activate(engine.tip, (made.blocks[2].block.hash,))
        tree.follow(update)
        assert invalid is None
        assert engine.changes() == tree.signers.carried.all()
        assert [carried.height for carried in engine.changes()] == [3]


def test_tags_count_no_signature_operations() -> None:
    made = maker(2)
    block = made.next_block(change=made.change(KEYS[1:]))
    assert legacy_sigops(block.transactions[0]) == 0


def test_a_distance_between_blocks_holds_from_its_height_on() -> None:
    made = maker(2)
    made.extend(settings=made.change_settings(("min_interval_s", "10")))
    made.grow(1)
    engine = engine_at(made)
    early = made.certify(made.next_block(time=made.tip.time + 9))
    assert says(connect(engine, early), BlockReason.TIME_TOO_OLD)
    assert f"expected {made.tip.time + 10}" in refusal(made, early.block)
    assert connect(engine_at(made), made.certify(made.next_block(time=made.tip.time + 10))) == ""


def test_the_founding_distance_is_the_engines_to_keep() -> None:
    network = signer_network(KEYS, min_interval_s=30)
    made = CertifiedMaker(network, KEYS)
    early = made.certify(made.next_block(time=made.tip.time + 29))
    # A header of it enters: who knows no blocks cannot know what members have set.
    tree = HeaderTree(network)
    tree.certify(early.certificate, None)
    tree.add(early.header, Micros(0))
    engines = [ChainEngine(network, MemoryChainStore(), ScriptedVerifier()) for _ in range(2)]
    assert says(connect(engines[0], early), BlockReason.TIME_TOO_OLD)
    assert connect(engines[1], made.extend()) == ""


def test_settings_need_a_quorum_of_the_list_that_carries_them() -> None:
    made = maker(2)
    few = made.change_settings(("min_interval_s", "10"), signers=KEYS[:3])
    assert "quorum is 4" in refusal(made, made.next_block(settings=few))
    strangers = made.change_settings(("min_interval_s", "10"), signers=(*KEYS[:4], NEW_KEYS[0]))
    assert "no member's" in refusal(made, made.next_block(settings=strangers))
    foreign = CertifiedMaker(signer_network(KEYS, min_interval_s=2), KEYS)
    foreign.grow(2)
    of_another = foreign.change_settings(("min_interval_s", "10"))
    assert says(refusal(made, made.next_block(settings=of_another)), BlockReason.SETTINGS_CHANGE)


def test_settings_that_do_not_follow_are_refused_when_connected() -> None:
    made = maker(2)
    late = made.change_settings(("min_interval_s", "10"), from_height=4)
    assert "too late" in refusal(made, made.next_block(settings=late))
    first = made.change_settings(("min_interval_s", "10"), from_height=9)
    made.extend(settings=first)
    assert "pending" in refusal(made, made.next_block(settings=made.change_settings(from_height=20)))
    made.grow(6)
    assert "version 1, expected 2" in refusal(made, made.next_block(settings=first))


def test_members_and_settings_may_change_in_one_block() -> None:
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]), settings=made.change_settings(("min_interval_s", "10")))
    made.grow(3)
    store = MemoryChainStore()
    engine = engine_at(made, store)
    engine.flush()
    assert [stored.height for stored in engine.changes()] == [3, 3]
    assert new_engine(store).changes() == engine.changes()


def test_what_this_version_does_not_know_stops_it_at_the_height_from_which_it_holds() -> None:
    made = maker(2)
    unknown = made.change_settings(("later", "1"))
    block = made.next_block(settings=unknown)
    verdict = engine_at(made).verify_proposal(made.certify(block).raw, 3)
    assert verdict.refusal is not None and verdict.refusal.reason is BlockReason.SETTINGS_UNKNOWN
    # Certified all the same: a quorum knows what it is.
    made.append(made.certify(block))
    made.grow(1)
    engine = engine_at(made)
    assert engine.height == 4
    found = connect(engine, made.certify(made.next_block()))
    assert says(found, BlockReason.SETTINGS_UNKNOWN)
    assert "later is no setting that this version knows" in found and "update this program" in found
    assert engine.height == 4
