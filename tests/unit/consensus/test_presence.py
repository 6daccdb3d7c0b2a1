"""Who is here: met, proven, heard, and whether it is a quorum."""

from dataclasses import dataclass, replace

from tests.unit.consensus.bank_world import Bank, BankWorld

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.consensus.desk import SIGN_STATE_KEY, Desk
from minicoin.core.consensus.eligibility import Eligibility
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.messages import MemberGreeting, greeting_digest
from minicoin.core.consensus.peers import SignerPeer, SignerPeers
from minicoin.core.consensus.presence import Presence
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.limits import CONSENSUS_HEARD_US, CONSENSUS_PEERS_MAX, CONSENSUS_SILENT_BLOCKS
from minicoin.core.notices import QuorumLost, QuorumPresent
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.votes import NIL, SignedVote, Vote, VoteKind
from minicoin.core.units import ConnId, Micros
from minicoin.testing.certified_chain import public

NOW = Micros(1_000_000_000)
OWN = b"own"
BLOCK = BlockHash(b"b" * 32)
VOTE = Vote(VoteKind.PREVOTE, 1, 0, BLOCK, bytes(32))


@dataclass
class Stage:
    """One of four members, at the first height."""

    banks: list[Bank]
    held: HeldKeys
    peers: SignerPeers
    presence: Presence
    heights: Heights

    def prove(self, place: int) -> SignerPeer:
        """The member's node greets us."""
        bank, peer_id = self.banks[place], b"peer%d" % place
        digest = greeting_digest(bank.network.network_id, peer_id, OWN)
        greeting = MemberGreeting(public(bank.key), bank.key.sign_schnorr(digest, bytes(32)))
        peer = self.peers.take_greeting(ConnId(place), peer_id, greeting)
        assert peer is not None
        return peer

    def meet(self, place: int) -> None:
        """And we it."""
        self.prove(place)
        self.peers.note_greeted(ConnId(place))

    def sign(self) -> None:
        """Nothing keeps our key from signing."""
        for bank in self.banks[1:]:
            self.held.current.take(public(bank.key), 1, ())


def stage() -> Stage:
    world = BankWorld(4, starts=False)
    signers = HeaderTree(world.network).signers
    assert signers is not None
    members, own = signers.members_at(1), public(world.banks[0].key)
    held = HeldKeys(OwnKeys((own,)), members, {SIGN_STATE_KEY: SignState(own)})
    heights = Heights(RoundTimes())
    heights.begin(Pause(1, 0, NOW), members, None, NOW)
    peers = SignerPeers(world.network.network_id, OWN)
    node = world.banks[0]
    eligibility = Eligibility(node, signers, held, heights, Desk())
    return Stage(world.banks, held, peers, Presence(node, held, peers, heights, eligibility), heights)


def keys(made: Stage, *places: int) -> set[bytes]:
    return {public(made.banks[place].key) for place in places}


def test_who_was_met_is_present_and_we_where_we_sign() -> None:
    made = stage()
    made.prove(1)
    made.meet(2)
    assert set(made.presence.present()) == keys(made, 2)
    made.sign()
    assert set(made.presence.present()) == keys(made, 0, 2)


def test_a_standby_counts_those_that_proved_who_they_are() -> None:
    made = stage()
    made.sign()
    made.held.stand_by()
    made.prove(0)
    made.prove(1)
    assert set(made.presence.present()) == keys(made, 0, 1)


def test_a_quorum_is_told_when_it_comes_and_when_it_goes_and_its_lack_at_the_start_is_not() -> None:
    made = stage()
    node = made.banks[0]
    made.sign()
    made.presence.watch_quorum()
    assert node.emitted == []
    for place in (1, 2):
        made.meet(place)
        made.presence.watch_quorum()
    made.presence.watch_quorum()
    assert node.emitted == [QuorumPresent(3, 3)]
    made.peers.forget(ConnId(2))
    made.presence.watch_quorum()
    made.presence.watch_quorum()
    lost = node.emitted[1]
    assert isinstance(lost, QuorumLost) and (lost.present, lost.quorum) == (2, 3)
    assert set(lost.missing) == keys(made, 2, 3)
    assert len(node.emitted) == 2


def test_a_member_was_heard_for_a_while_after_its_last_word() -> None:
    made = stage()
    (key,), (own,) = keys(made, 1), keys(made, 0)
    assert made.presence.is_heard(own, NOW) and not made.presence.is_heard(key, NOW)
    made.presence.note_heard(made.prove(1), NOW)
    assert made.presence.heard_at(key) == NOW
    assert made.presence.is_heard(key, Micros(NOW + CONSENSUS_HEARD_US))
    assert not made.presence.is_heard(key, Micros(NOW + CONSENSUS_HEARD_US + 1))


def test_of_more_than_there_may_be_the_longest_silent_are_forgotten() -> None:
    made = stage()
    for number in range(CONSENSUS_PEERS_MAX + 1):
        member = number.to_bytes(32, "big")
        made.presence.note_heard(SignerPeer(ConnId(number), b"", (member,)), Micros(NOW + number))
    assert made.presence.heard_at(bytes(32)) is None
    assert made.presence.heard_at((1).to_bytes(32, "big")) == NOW + 1


def test_who_is_here_and_votes_for_nothing_is_silent_until_it_votes() -> None:
    made = stage()
    voter, silent, behind = (made.prove(place) for place in (1, 2, 3))
    members, presence = made.heights.rounds.members, made.presence
    for place in (1, 2, 3):
        made.peers.note_greeted(ConnId(place))
    presence.watch_quorum()

    def vote(signer: SignerPeer, height: int, *, block: bytes = BLOCK) -> None:
        presence.note_voted(signer, SignedVote(replace(VOTE, height=height, block=block), signer.members[0], b""))

    for height in range(1, CONSENSUS_SILENT_BLOCKS + 1):
        assert presence.silent() == ()
        made.heights.begin(Pause(height, 0, NOW), members, None, NOW)
        vote(voter, height)
        vote(silent, height, block=NIL)
        # Another's vote, passed on, speaks for nobody; one that comes late does.
        presence.note_voted(silent, SignedVote(replace(VOTE, height=height), voter.members[0], b""))
        vote(behind, max(height - 3, 1))
    assert presence.silent() == silent.members
    vote(silent, CONSENSUS_SILENT_BLOCKS)
    assert presence.silent() == ()


def test_heights_that_we_only_caught_up_with_make_nobody_silent() -> None:
    made = stage()
    made.meet(1)
    made.presence.watch_quorum()
    for height in range(1, 3 * CONSENSUS_SILENT_BLOCKS):
        made.heights.begin(Pause(height, 0, NOW), made.heights.rounds.members, None, NOW)
        made.presence.watch_quorum()
    assert made.presence.silent() == ()
