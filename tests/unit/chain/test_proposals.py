"""Verdicts on proposed blocks: all that connecting would find out, remembered for a while, and nothing moved."""

from dataclasses import replace

import pytest

from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.proposals import Proposal, Proposals, ProposalVerdict
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.limits import PROPOSALS_REMEMBERED_MAX
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockReason
from minicoin.core.signers.members import member_list
from minicoin.testing.certified_chain import CertifiedMaker, public
from minicoin.testing.chain_maker import ChainMaker, solve

from .five_banks import FOUNDING, KEYS, NETWORK, connect, engine_at, maker


def raw(block: Block) -> RawBlock:
    return RawBlock(block.header, block.raw)


def judge(engine: ChainEngine, block: Block, height: int | None = None) -> ProposalVerdict:
    return engine.verify_proposal(raw(block), engine.height + 1 if height is None else height)


def reason(made: CertifiedMaker, block: Block) -> BlockReason:
    verdict = judge(engine_at(made), block)
    assert verdict.refusal is not None and verdict.next_members is None
    return verdict.refusal.reason


def test_a_valid_proposal_names_who_signs_behind_it_and_moves_nothing() -> None:
    made = maker(1)
    engine = engine_at(made)
    before = engine.coin_set_hash(), engine.snapshot()
    payment, _ = ChainMaker(NETWORK).spend(made.allocated, 2, 500)
    block = made.next_block([payment], fees_sat=500)
    assert judge(engine, block) == ProposalVerdict(None, FOUNDING)
    assert (engine.coin_set_hash(), engine.tip) == (before[0], made.blocks[-1].block.hash)
    assert engine.read_block(block.hash) is None
    assert list(engine.headers()) == [certified.header for certified in made.blocks]


def test_block_one_is_proposed() -> None:
    made = maker(0)
    assert judge(engine_at(made), made.next_block()) == ProposalVerdict(None, FOUNDING)
    assert reason(made, made.next_block(outputs=())) is BlockReason.COINBASE_ALLOCATION


def test_who_signs_behind_it_follows_from_the_changes_below() -> None:
    made = maker(2)
    carrying = made.next_block(change=made.change(KEYS[1:]))
    assert judge(engine_at(made), carrying).next_members == FOUNDING
    made.append(made.certify(carrying))
    four = member_list(map(public, KEYS[1:]))
    assert judge(engine_at(made), made.next_block()).next_members == four
    assert reason(made, made.next_block(change=made.change(KEYS, signers=KEYS[:4]))) is BlockReason.MEMBER_CHANGE


def test_every_rule_is_asked() -> None:
    made = maker(2)
    tip = made.tip
    assert reason(made, made.next_block(time=tip.time)) is BlockReason.TIME_TOO_OLD
    assert reason(made, made.next_block(fees_sat=1)) is BlockReason.COINBASE_AMOUNT
    assert reason(made, made.next_block(tags=CoinbaseTags())) is BlockReason.COINBASE_TAGS
    good = made.next_block()
    assert reason(made, solve(replace_header(good, bits=0x207FFFFE))) is BlockReason.BAD_BITS
    assert reason(made, solve(replace_header(good, version=1))) is BlockReason.BAD_VERSION
    assert reason(made, unsolved(good)) is BlockReason.BAD_PROOF
    assert reason(made, solve(replace_header(good, merkle_root=bytes(32)))) is BlockReason.BAD_MERKLE_ROOT
    payment, _ = ChainMaker(NETWORK).spend(made.allocated, 2, 500)
    twice = made.next_block([payment, payment], fees_sat=500)
    assert reason(made, twice) in (BlockReason.MUTATED, BlockReason.TRANSACTION)
    cut = RawBlock(good.header, good.raw[:-1])
    verdict = engine_at(made).verify_proposal(cut, 3)
    assert verdict.refusal is not None and verdict.refusal.reason is BlockReason.MALFORMED


def replace_header(block: Block, **changes: object) -> Block:
    return Block(replace(block.header, nonce=0, **changes), block.transactions)  # type: ignore[arg-type]


def unsolved(block: Block) -> Block:
    header = block.header
    while header.hash[-1] < 0x80:
        header = replace(header, nonce=header.nonce + 1)
    return Block(header, block.transactions)


def test_a_proposal_is_for_the_height_behind_the_tip() -> None:
    made = maker(2)
    engine = engine_at(made)
    for block, height in ((made.blocks[1].block, 2), (made.next_block(), 4)):
        verdict = judge(engine, block, height)
        assert verdict.refusal is not None
        assert (verdict.refusal.reason, verdict.refusal.is_permanent) == (BlockReason.UNKNOWN_PARENT, False)


def test_a_bad_script_is_refused() -> None:
    made = maker(1)
    payment, _ = ChainMaker(NETWORK).spend(made.allocated, 2, 500)
    verifier = ScriptedVerifier(frozenset((payment.wtxid,)))
    engine = ChainEngine(NETWORK, MemoryChainStore(), verifier)
    assert connect(engine, made.blocks[0]) == ""
    verdict = judge(engine, made.next_block([payment], fees_sat=500))
    assert verdict.refusal is not None and verdict.refusal.reason is BlockReason.SCRIPT_FAILED
    assert engine.snapshot().verified_scripts == 0


def test_scripts_run_once_for_proposal_repetition_and_block() -> None:
    made = maker(1)
    verifier = ScriptedVerifier()
    engine = ChainEngine(NETWORK, MemoryChainStore(), verifier)
    assert connect(engine, made.blocks[0]) == ""
    payment, _ = ChainMaker(NETWORK).spend(made.allocated, 2, 500)
    block = made.next_block([payment], fees_sat=500)
    first = judge(engine, block)
    assert judge(engine, block) is first
    assert verifier.checked == 1
    assert connect(engine, made.certify(block)) == ""
    assert verifier.checked == 1
    assert engine.snapshot().verified_scripts == 0


def test_another_body_for_a_judged_hash_is_judged_anew() -> None:
    made = maker(1)
    engine = engine_at(made)
    block = made.next_block()
    assert judge(engine, block).refusal is None
    other = RawBlock(block.header, made.blocks[0].block.raw)
    foreign = RawBlock(block.header, block.header.raw + other.raw[80:])
    found = engine.verify_proposal(foreign, 2)
    assert found.refusal is not None and found.refusal.reason is BlockReason.BAD_MERKLE_ROOT
    assert connect(engine, made.certify(block)) == ""


def test_a_verdict_holds_on_its_tip_only() -> None:
    made = maker(2)
    engine = engine_at(made)
    block = made.next_block()
    assert judge(engine, block).refusal is None
    assert connect(engine, made.append(made.certify(made.next_block(time=made.tip.time + 5)))) == ""
    assert judge(engine, block, 3).refusal is not None


def test_a_few_are_remembered() -> None:
    made = maker(1)
    proposals = Proposals(PROPOSALS_REMEMBERED_MAX)
    tip = BlockHash(bytes(32))
    blocks = [raw(made.next_block(time=made.tip.time + step)) for step in range(1, PROPOSALS_REMEMBERED_MAX + 3)]
    for block in blocks:
        proposals.put(Proposal(block, tip, ProposalVerdict(None, FOUNDING)))
    assert len(proposals) == PROPOSALS_REMEMBERED_MAX
    assert proposals.verdict(blocks[0], tip) is None
    assert proposals.verdict(blocks[-1], tip) is not None
    assert proposals.verdict(blocks[-1], BlockHash(b"x" * 32)) is None
    assert proposals.checked(blocks[-1]) is None


def test_nobody_proposes_where_members_do_not_sign() -> None:
    engine = ChainEngine(lookup("regtest"), MemoryChainStore(), ScriptedVerifier())
    with pytest.raises(MisuseError, match="nobody proposes"):
        judge(engine, maker(0).next_block())
