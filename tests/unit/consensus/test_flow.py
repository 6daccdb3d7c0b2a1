"""The signing part of a node: among others of its kind, in virtual time."""

from dataclasses import replace
from functools import partial

import pytest
from coincurve import PrivateKey

from minicoin.core.admission.state import AdmissionState
from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.messages import HeldVotes, ProposalMessage, VoteMessage, WantVotes
from minicoin.core.effects import Effect, SignGreeting, SignVote
from minicoin.core.events import GreetingSigned, VoteSigned
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    CONSENSUS_QUESTIONS_PER_PEER_BURST,
    CONSENSUS_SILENT_BLOCKS,
    CONSENSUS_VOTES_PER_PEER_BURST,
)
from minicoin.core.notices import ProposalRefused, SigningStopped
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.rng import Rng
from minicoin.core.signers.admission import AdmissionRecord, AdmissionRow, AdmittedRole
from minicoin.core.signers.certificate import certificate_of
from minicoin.core.signers.votes import NIL, Vote, VoteKind, sign_vote
from minicoin.core.units import SECOND_US, ConnId
from minicoin.core.wire.messages_extension import ExtensionMessage
from minicoin.testing.certified_chain import public

from .bank_world import LATENCY_US, Bank, BankWorld


def up(count: int) -> BankWorld:
    """A network that has made block 1."""
    world = BankWorld(count)
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [1] * count)
    return world


@pytest.mark.parametrize(("count", "messages"), [(4, 27), (5, 44), (7, 90), (10, 189)])
def test_a_healthy_height_takes_just_these_messages(count: int, messages: int) -> None:
    world = up(count)
    world.wait(SECOND_US)
    world.sent.clear()
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [2] * count)
    world.wait(5 * SECOND_US)
    assert dict(world.sent) == {"proposal": count - 1, "vote": 2 * count * (count - 1)}
    assert sum(world.sent.values()) == messages
    world.check()


def test_the_leader_is_killed_and_the_next_block_comes_within_a_second_and_a_half() -> None:
    world = up(5)
    world.wait(2 * SECOND_US)
    leader = world.leader()
    leader.stop()
    world.pay()
    begun = world.now
    assert world.wait(5 * SECOND_US, lambda: min(world.heights()) == 2)
    assert world.now - begun <= 1_500_000
    # Back again, it has what was made without it.
    leader.start()
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 3)
    world.check()


def test_two_of_five_are_killed_and_it_goes_on_by_itself_when_one_is_back() -> None:
    world = up(5)
    world.wait(2 * SECOND_US)
    first, second = world.banks[0], world.banks[3]
    first.stop()
    assert world.banks[1].part.status().one_more_halts
    second.stop()
    world.pay()
    assert not world.wait(120 * SECOND_US, lambda: max(world.heights()) > 1)
    status = world.banks[1].part.status()
    assert not status.has_quorum
    assert set(status.missing) == {*first.policy.signing_keys, *second.policy.signing_keys}
    assert any("no quorum: 3 of 5" in warning for warning in status.warnings())
    round_ = max(bank.part.status().round for bank in world.banks if bank.part is not None)
    second.start()
    assert world.wait(30 * SECOND_US, lambda: min(world.heights()) == 2)
    assert world.certificates[2].round <= round_ + 3
    assert world.banks[1].part.status().has_quorum
    world.check()


def test_one_of_five_is_here_and_votes_for_nothing_and_the_others_say_so() -> None:
    world = up(5)
    world.wait(2 * SECOND_US)
    idle, other = world.banks[3], world.banks[1]

    def grow(blocks: int) -> None:
        begun = max(world.heights())
        for height in range(begun + 1, begun + blocks + 1):
            world.pay()
            assert world.wait(20 * SECOND_US, partial(all_are_at, height))

    def all_are_at(height: int) -> bool:
        return min(world.heights()) == height

    grow(CONSENSUS_SILENT_BLOCKS)
    assert other.part.status().silent == () and not other.part.status().one_more_halts
    idle.refuses = lambda block: True
    grow(CONSENSUS_SILENT_BLOCKS + 1)
    status = other.part.status()
    assert status.present == 5 and status.silent == idle.policy.signing_keys and status.one_more_halts
    idle.refuses = lambda block: False
    grow(1)
    assert other.part.status().silent == ()
    world.check()


def test_without_payments_a_block_comes_each_minute() -> None:
    world = up(4)
    world.wait(200 * SECOND_US)
    assert world.heights() == [4] * 4
    gaps = [world.decided_at[height + 1] - world.decided_at[height] for height in (1, 2, 3)]
    assert all(60 * SECOND_US <= gap <= 61 * SECOND_US for gap in gaps)
    # And a payment is not kept waiting.
    world.pay()
    assert world.wait(SECOND_US, lambda: world.heights() == [5] * 4)


def test_an_invalid_block_is_voted_for_by_nobody_and_the_next_leader_makes_one() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    leader = world.leader()
    for bank in world.banks:
        if bank is not leader:
            bank.refuses = lambda block: block.header.merkle_root[:16] == leader.place.to_bytes(16, "little")
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: world.heights() == [2] * 4)
    assert world.certificates[2].round == 1
    assert any(isinstance(one, ProposalRefused) for one in world.banks[leader.place - 1].emitted)
    world.check()


def test_messages_that_are_lost_are_asked_for() -> None:
    world = up(4)
    rng = Rng(b"loss")
    world.loses = lambda sender, receiver, message: rng.below(4) == 0
    for height in range(2, 12):
        world.pay()
        assert world.wait(60 * SECOND_US, lambda height=height: min(world.heights()) >= height)
    world.check()


def step_names(count: int) -> list[str]:
    """Every effect of one bank in a healthy height, in order: the places where a kill may come."""
    world = up(count)
    world.wait(2 * SECOND_US)
    seen: list[str] = []

    def look(bank: Bank, effect: Effect) -> bool:
        if bank is leader:
            seen.append(type(effect).__name__)
        return False

    leader = world.leader()
    world.stops = look
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [2] * count)
    return seen


STEPS = range(len(step_names(4)))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_leader", [True, False])
def test_a_signer_that_is_killed_at_any_step_signs_nothing_twice(step: int, is_leader: bool) -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    leader = world.leader()
    victim = leader if is_leader else world.banks[leader.place - 1]
    left = [step]

    def stops(bank: Bank, effect: Effect) -> bool:
        left[0] -= bank is victim
        return bank is victim and left[0] == -1

    world.stops = stops
    world.pay()
    world.wait(3 * SECOND_US, lambda: victim.part is None)
    if victim.part is None:
        world.wait(SECOND_US)
        victim.start()
    world.pay()
    assert world.wait(70 * SECOND_US, lambda: min(world.heights()) >= 3)
    world.check()


@pytest.mark.parametrize("step", STEPS)
def test_all_signers_are_killed_at_any_step_and_the_height_decides(step: int) -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    left = {bank.place: step for bank in world.banks}

    def stops(bank: Bank, effect: Effect) -> bool:
        left[bank.place] -= 1
        return left[bank.place] == -1

    world.stops = stops
    world.pay()
    world.wait(3 * SECOND_US, lambda: all(bank.part is None for bank in world.banks))
    world.stops = lambda bank, effect: False
    for bank in world.banks:
        if bank.part is not None:
            bank.stop()
    world.wait(SECOND_US)
    for bank in world.banks:
        bank.start()
    world.pay()
    assert world.wait(60 * SECOND_US, lambda: min(world.heights()) >= 2)
    world.pay()
    assert world.wait(70 * SECOND_US, lambda: min(world.heights()) >= 3)
    world.check()


def test_all_signers_lose_power_at_one_moment_and_blocks_that_no_store_kept_are_there_again() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    world.pay()
    # All have signed for height 3 by now, and the chain's store has written none of block 2.
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [2] * 4)
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: all(bank.signed[-1].height == 3 for bank in world.banks))
    block = world.certificates[2].block
    for bank in world.banks:
        bank.stop()
        del bank.chain[1:]
    for bank in world.banks:
        bank.start()
    world.pay()
    assert world.wait(70 * SECOND_US, lambda: min(world.heights()) >= 3)
    assert world.certificates[2].block == block
    world.check()


def test_a_key_without_its_record_signs_nothing_until_the_others_have_passed_what_it_may_have_signed() -> None:
    world = up(5)
    bank = world.banks[2]
    bank.stop()
    del bank.documents[SIGN_STATE_KEY]
    bank.start()
    count = len(bank.signed)
    assert world.wait(5 * SECOND_US, lambda: "lost the record" in bank.part.status().abstains_because)
    # The others work on height 2, and so may it have.
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) >= 2)
    assert len(bank.signed) == count
    for height in (3, 4):
        world.pay()
        assert world.wait(20 * SECOND_US, lambda height=height: min(world.heights()) >= height)
    assert bank.part.status().abstains_because == ""
    assert len(bank.signed) > count
    world.check()


def test_a_record_restored_from_a_backup_keeps_its_key_from_signing() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    bank = world.banks[world.leader().place - 1]
    backup = dict(bank.documents)
    others = [one for one in world.banks if one is not bank]
    # It votes in height 2, and two others are gone before that is decided.
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: bank.signed[-1].height == 2)
    world.wait(LATENCY_US + 1_000)
    for other in others[:2]:
        other.stop()
    bank.stop()
    assert bank.height == 1
    bank.documents = backup
    bank.start()
    count = len(bank.signed)
    for other in others[:2]:
        other.start()
    assert world.wait(10 * SECOND_US, lambda: "its record lacks" in bank.part.status().abstains_because)
    assert any(isinstance(one, SigningStopped) for one in bank.emitted)
    assert len(bank.signed) == count
    world.check()


def test_who_sees_two_certificates_of_a_height_signs_nothing_any_more() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    bank = world.banks[0]
    kept = bank.tree.signers.certificate(bank.tree.tip.hash)
    vote = replace(kept.vote, block=BlockHash(b"2" * 32))
    votes = [sign_vote(vote, one.key, world.network.network_id) for one in world.banks]
    with pytest.raises(BlockRejected, match="second-certificate"):
        bank.tree.certify(certificate_of(votes, bank.tree.signers.members_at(1)), None)
    count = len(bank.signed)
    world.pay()
    # The three others have not seen it, and are a quorum.
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 2)
    assert len(bank.signed) == count
    assert "two blocks are certified at height 1" in bank.part.status().abstains_because
    assert [one.reason[:33] for one in bank.emitted if isinstance(one, SigningStopped)] == [
        "two blocks are certified at heigh"
    ]


def test_a_leader_that_proposes_two_blocks_is_found_out_by_asking_what_was_proposed() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    leader, (deceived, *others) = world.leader(), [bank for bank in world.banks if bank is not world.leader()]
    leader.part = None
    members, network_id = deceived.part.status().members, world.network.network_id
    for bank in world.banks:
        bank.pool.append(b"payment")
    blocks = [leader.proposal(b"", 10_000, world.now)]
    world.wait(LATENCY_US)
    blocks.append(leader.proposal(b"", 10_000, world.now))
    for who, block in ((others, blocks[0]), ([deceived], blocks[1])):
        signed = sign_vote(Vote(VoteKind.PROPOSAL, 2, 0, block.hash, members.hash), leader.key, network_id)
        for bank in who:
            assert fault_of(bank, leader, ProposalMessage(signed, block)) == ""
    world.wait(20 * LATENCY_US)
    for bank in (deceived, *others):
        (found, *_) = bank.accused
        assert found.accused == public(leader.key) and found.problem(members, network_id) is None
    # Nobody else is accused, and the height is decided.
    assert {one.accused for bank in world.banks for one in bank.accused} == {public(leader.key)}
    assert world.wait(20 * SECOND_US, lambda: min(bank.height for bank in (deceived, *others)) == 2)


def test_a_second_vote_for_a_height_that_is_over_convicts_as_well() -> None:
    world = up(4)
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: min(world.heights()) == 2)
    bank, sender = world.banks[0], world.banks[1]
    vote = next(vote for vote in sender.signed if vote.height == 1 and vote.kind is VoteKind.PRECOMMIT)
    other = sign_vote(replace(vote, block=BlockHash(b"2" * 32)), sender.key, world.network.network_id)
    assert fault_of(bank, world.banks[2], VoteMessage(replace(other, signature=bytes(64)))) == ""
    assert not bank.accused
    assert fault_of(bank, world.banks[2], VoteMessage(other)) == ""
    assert [(one.accused, one.height) for one in bank.accused] == [(public(sender.key), 1)]


def test_two_nodes_with_one_key_both_stop() -> None:
    world = up(4)
    twin = Bank(4, world.banks[0].key, world.network, world)
    world.banks.append(twin)
    twin.start()
    assert world.wait(SECOND_US, lambda: "same signing key" in twin.part.status().abstains_because)
    assert "same signing key" in world.banks[0].part.status().abstains_because
    world.pay()
    # The three others are a quorum.
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 2)
    assert all(vote.height < 2 for vote in (*twin.signed, *world.banks[0].signed))


def test_what_the_disk_refuses_is_not_signed() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    bank = world.banks[0]
    bank.disk_error = "no space left"
    count = len(bank.signed)
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 2)
    assert len(bank.signed) == count
    world.wait(2 * SECOND_US)
    world.pay()
    assert world.wait(SECOND_US, lambda: "no space left" in bank.part.status().abstains_because)
    bank.disk_error = ""
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 3)
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) == 4)
    assert len(bank.signed) > count
    world.check()


def fault_of(bank: Bank, sender: Bank, message: ExtensionMessage) -> str:
    """What a bank blames another for that says this; empty where it does not."""
    handlers = {one.message: one.handle for one in bank.part.routes()}
    try:
        bank.run(lambda part: handlers[type(message)](bank.world.peer(sender), message, bank.world.now))
    except PeerFault as fault:
        return fault.reason
    return ""


def test_what_is_forged_foreign_or_out_of_turn_is_the_senders_fault() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    bank, sender, other = world.banks[0], world.banks[1], world.banks[2]
    network_id = world.network.network_id
    members = bank.part.status().members
    stranger = PrivateKey(b"\7" * 32)
    vote = Vote(VoteKind.PREVOTE, 2, 0, NIL, NIL)
    good = sign_vote(vote, other.key, network_id)
    forged = replace(good, signature=bytes(64))
    assert "did not sign" in fault_of(bank, sender, VoteMessage(forged))
    assert "no member" in fault_of(bank, sender, VoteMessage(sign_vote(vote, stranger, network_id)))
    # One that does not count here is nobody's fault: of heights behind, or far in front.
    for height in (1, 4, 1_000):
        old = sign_vote(replace(vote, height=height), stranger, bytes(32))
        assert fault_of(bank, sender, VoteMessage(old)) == ""
    block = sender.proposal(b"", 10_000, world.now)
    leader = world.leader()
    proposal = Vote(VoteKind.PROPOSAL, 2, 0, block.hash, members.hash)
    for key in (one.key for one in world.banks if one is not leader):
        out_of_turn = ProposalMessage(sign_vote(proposal, key, network_id), block)
        assert "whose turn it is not" in fault_of(bank, sender, out_of_turn)
    unsigned = replace(sign_vote(proposal, leader.key, network_id), signature=bytes(64))
    assert "did not sign" in fault_of(bank, sender, ProposalMessage(unsigned, block))
    assert "not ours" in fault_of(bank, sender, HeldVotes(2, (good,)))
    # A vote passed on by another is as good as one from its member, and the second time it changes nothing.
    assert fault_of(bank, sender, VoteMessage(good)) == fault_of(bank, sender, VoteMessage(good)) == ""


def test_who_has_not_greeted_may_send_nothing_of_a_signers() -> None:
    world = up(4)
    stranger = Bank(4, PrivateKey(b"\7" * 32), world.network, world)
    world.banks.append(stranger)
    vote = sign_vote(Vote(VoteKind.PREVOTE, 2, 0, NIL, NIL), world.banks[1].key, world.network.network_id)
    for message in (VoteMessage(vote), WantVotes(2, 0, False, b"", b""), HeldVotes(2, ())):
        assert "did not prove" in fault_of(world.banks[0], stranger, message)


def test_a_greeted_node_of_no_member_hears_no_votes_and_its_word_does_not_count() -> None:
    world = up(4)
    stranger = Bank(4, PrivateKey(b"\7" * 32), world.network, world)
    world.banks.append(stranger)
    stranger.start()
    world.wait(SECOND_US)
    assert stranger.part.status().abstains_because == "its key is none of the members'"
    heard: list[str] = []
    world.loses = lambda sender, receiver, message: bool(receiver is stranger and heard.append(message.command))
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: [bank.height for bank in world.banks[:4]] == [2] * 4)
    assert heard == []
    assert stranger.signed == []


def test_votes_and_questions_of_one_signer_are_rationed() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    bank, sender = world.banks[0], world.banks[1]
    world.sent.clear()
    for _ in range(200):
        assert fault_of(bank, sender, WantVotes(1, 0, False, b"", b"")) == ""
    told = bank.told
    assert 0 < told <= CONSENSUS_QUESTIONS_PER_PEER_BURST
    signed = sign_vote(Vote(VoteKind.PREVOTE, 2, 0, NIL, NIL), sender.key, world.network.network_id)
    for _ in range(CONSENSUS_VOTES_PER_PEER_BURST + 10):
        assert fault_of(bank, sender, VoteMessage(signed)) == ""
    # What is beyond is not looked at: not even forged votes are found out.
    assert fault_of(bank, sender, VoteMessage(replace(signed, signature=bytes(64)))) == ""


def test_members_that_were_met_are_kept_and_told_of_payments_at_once() -> None:
    world = up(4)
    bank = world.banks[0]
    assert set(bank.kept) == {other.policy.peer_id for other in world.banks[1:]}
    assert set(bank.favoured) == {ConnId(other.place) for other in world.banks[1:]}


def test_whoever_is_admitted_to_sign_for_a_member_is_wanted_from_the_start_and_as_it_changes() -> None:
    world = up(4)
    bank, others = world.banks[0], world.banks[1:]
    rows = [
        AdmissionRow(f"Bank {one.place}", AdmittedRole.SIGNER, public(one.key), (one.policy.peer_id,))
        for one in world.banks
    ]
    bank.stop()
    observer = AdmissionRow("Auditor", AdmittedRole.OBSERVER, None, (b"auditor",))
    bank.admission = AdmissionState(AdmissionRecord(0, 0, bytes(32), (observer, *rows)))
    bank.kept = ()
    bank.start()
    # Nobody was met yet.
    assert bank.kept == tuple(other.policy.peer_id for other in others)
    standby = replace(rows[1], peer_ids=(*rows[1].peer_ids, b"standby"))
    bank.admission.take(AdmissionRecord(1, 1, bytes(32), (rows[0], standby, *rows[2:])))
    bank.part.keep_links(world.now)
    assert bank.kept == (*standby.peer_ids, *(other.policy.peer_id for other in others[1:]))


class Gone:
    """What held the key is gone: it signs nothing."""

    def __init__(self) -> None:
        self.asked = 0

    def answer(self, effect: SignVote | SignGreeting) -> VoteSigned | GreetingSigned:
        self.asked += 1
        if isinstance(effect, SignVote):
            return VoteSigned(effect.vote, None, "nobody is there")
        return GreetingSigned(effect.member, effect.conn, None, "nobody is there")


def test_a_signer_that_is_gone_is_missed_and_its_votes_come_when_it_is_back() -> None:
    world = up(4)
    world.wait(2 * SECOND_US)
    dead, mute = world.banks[2], world.banks[3]
    dead.stop()
    mute.holder = Gone()
    world.pay()
    # Three of four are a quorum, and one of them signs nothing: the others wait for its vote.
    assert not world.wait(30 * SECOND_US, lambda: max(world.heights()) > 1)
    status = mute.part.status()
    assert "nobody is there" in status.abstains_because
    assert mute.holder.asked < 200
    mute.holder = None
    assert world.wait(5 * SECOND_US, lambda: max(world.heights()) == 2)
    assert mute.part.status().abstains_because == ""
    world.check()


def test_who_could_not_be_greeted_is_greeted_later() -> None:
    world = BankWorld(4, starts=False)
    world.banks[3].holder = Gone()
    for bank in world.banks:
        bank.start()
    world.wait(5 * SECOND_US)
    assert len(world.banks[0].part.snapshot(world.now).signers) == 2
    world.banks[3].holder = None
    world.wait(3 * SECOND_US)
    assert [len(bank.part.snapshot(world.now).signers) for bank in world.banks] == [3] * 4
    world.check()


def test_each_is_restarted_in_turn_and_no_height_takes_more_than_a_round_of_the_one_that_is_away() -> None:
    world = up(5)
    for bank in world.banks:
        bank.stop()
        for _ in range(5):
            # Five heights: the one that is away is each time the proposer of one of them.
            height, begun = max(world.heights()), world.now
            world.wait(SECOND_US)
            world.pay()
            assert world.wait(10 * SECOND_US, lambda height=height: min(world.heights()) > height)
            assert world.certificates[height + 1].round <= 1
            assert world.now - begun <= SECOND_US + 1_500_000
        bank.start()
        assert world.wait(5 * SECOND_US, lambda bank=bank: not bank.part.status().abstains_because)
    assert not any(isinstance(one, SigningStopped) for bank in world.banks for one in bank.emitted)
    world.check()
