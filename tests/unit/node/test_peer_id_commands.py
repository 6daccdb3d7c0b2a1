"""Where a peer is and telling it something, by whole nodes; and what is said where that cannot be."""

from dataclasses import replace

import pytest
from tests.unit.node.bench import LETTERS, NETWORK, Bench

from minicoin.core.answers import FoundBy, LetterProblem, Outcome, PeerFound, Reason, Refused
from minicoin.core.commands import FindPeer, Stop, Tell
from minicoin.core.directed.letter import hash_of, sign_receipt, write_letter
from minicoin.core.directed.letterbox import LETTERS_KEY
from minicoin.core.directed.messages import LETTER_MESSAGES, LetterFailed, LetterMessage, Receipt
from minicoin.core.effects import Dial, Reply
from minicoin.core.events import AddressesFound, CommandReceived, ConnectionOpened, MessageReceived, Saved
from minicoin.core.header_only.assemble import assemble_header_only
from minicoin.core.libp2p.identity import Identity
from minicoin.core.node.assemble import NodeState
from minicoin.core.notices import LetterReceived, PeerPenalised
from minicoin.core.overlay.contract import Hops
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import NetAddress, Verack, Version
from minicoin.core.wire.messages_extension import offer_of

SELF, OTHER, THIRD = (Identity.from_number(number) for number in (1, 2, 3))
OFFER = offer_of(make_extensions(LETTER_MESSAGES))


def peer_id(identity):
    return identity.peer_id.multihash


def address(identity, number=1):
    return NodeAddress(f"10.0.0.{number}", 8333, peer_id(identity))


def meet(bench, conn, identity, inbound=True):
    """A peer with this id that speaks letters."""
    bench.handle(ConnectionOpened(conn, address(identity), inbound, None))
    bench.say(conn, Version(70016, 9, bench.now // SECOND_US, NetAddress(), NetAddress(), 1_000 + conn, "/x/", 0))
    bench.say(conn, Verack())
    bench.say(conn, OFFER)


def letter_bench(**more):
    return Bench(network=LETTERS, identity=SELF, **more)


def letter(bench, sender=OTHER, target=SELF, text="hello"):
    return write_letter(
        sender, NETWORK.network_id, target=peer_id(target), letter_id=bytes(16), text=text, now=bench.now
    )


def receipt(one, identity):
    hash_ = hash_of(one, NETWORK.network_id)
    signature = sign_receipt(identity, NETWORK.network_id, one.letter_id, hash_)
    return Receipt(hash_, 1, identity.public_key, signature)


# --- telling ---


def test_a_letter_goes_to_the_connected_addressee_and_its_receipt_is_the_answer():
    bench = letter_bench()
    meet(bench, 1, THIRD)
    meet(bench, 3, OTHER)
    bench.seen.clear()
    request = bench.command(Tell(peer_id(OTHER), "hello"))
    (sent,) = bench.take(LetterMessage)
    assert not sent.floods and request not in bench.replies
    bench.say(3, receipt(sent.letter, OTHER))
    told = bench.replies[request].answer
    assert (told.outcome, told.hops) == (Outcome.DELIVERED, 1)


def test_random_knows_no_way_to_a_stranger():
    bench = letter_bench()
    meet(bench, 1, OTHER)
    meet(bench, 3, THIRD)
    bench.seen.clear()
    request = bench.command(Tell(peer_id(Identity.from_number(9)), "hello"))
    assert [sent.floods for sent in bench.take(LetterMessage)] == [True, True]
    bench.wait(6 * SECOND_US)
    told = bench.replies[request].answer
    assert (told.outcome, told.neighbours) == (Outcome.MAYBE, 2)


def test_a_letter_for_us_is_on_disk_before_anybody_is_told():
    bench = letter_bench(saves=False)
    meet(bench, 1, OTHER)
    bench.seen.clear()
    one = letter(bench)
    bench.say(1, LetterMessage(one, 2, floods=False))
    assert bench.take(Receipt) == [] and bench.node.view.letters() == ()
    bench.handle(Saved(LETTERS_KEY))
    assert bench.take(Receipt) == [receipt(one, SELF)]
    assert [kept.letter for kept in bench.node.view.letters()] == [one]


def test_whoever_was_killed_after_its_receipt_has_the_letter_when_it_starts_again():
    bench = letter_bench()
    meet(bench, 1, OTHER)
    one = letter(bench)
    bench.seen.clear()
    bench.say(1, LetterMessage(one, 2, floods=False))
    assert bench.take(LetterReceived) == [LetterReceived(peer_id(OTHER), one.letter_id, "hello")]
    again = letter_bench(documents=bench.documents, store=bench.store, now=bench.now)
    assert [kept.letter for kept in again.node.view.letters()] == [one]
    meet(again, 1, OTHER)
    again.seen.clear()
    again.say(1, LetterMessage(one, 2, floods=False))
    assert again.seen_sends()[0].message == receipt(one, SELF)
    assert len(again.node.view.letters()) == 1


def test_a_full_disk_is_told_to_the_sender():
    bench = letter_bench()
    bench.save_error = "no space left on device"
    meet(bench, 1, OTHER)
    bench.seen.clear()
    bench.say(1, LetterMessage(letter(bench), 2, floods=False))
    (sent,) = bench.take(LetterFailed)
    assert sent.problem is LetterProblem.NOT_SAVED and bench.node.view.letters() == ()


def test_a_forged_letter_costs_the_peer_that_brought_it():
    bench = letter_bench()
    meet(bench, 1, OTHER)
    bench.seen.clear()
    bench.say(1, LetterMessage(replace(letter(bench), text="hullo"), 2, floods=False))
    (fault,) = bench.take(PeerPenalised)
    assert fault.score == 100 and "did not sign" in fault.reason


class Reaching(RandomOverlay):
    """Random, which knows where everybody is."""

    def route(self, target, peers, now):
        met = tuple(peer.conn for peer in peers if peer.address.peer_id == target)
        number = 7 if target == peer_id(OTHER) else 8
        return Hops(met, () if met else (NodeAddress(f"10.0.0.{number}", 8333, target),))


def test_whom_a_letter_needs_is_dialled_for_it_and_wanted_no_longer():
    bench = letter_bench(overlay=Reaching)
    request = bench.command(Tell(peer_id(OTHER), "hello"))
    bench.wait(SECOND_US)
    (dial,) = bench.take(Dial)
    assert dial.address == address(OTHER, 7)
    meet(bench, dial.conn, OTHER, inbound=False)
    (sent,) = bench.take(LetterMessage)
    bench.say(dial.conn, receipt(sent.letter, OTHER))
    assert bench.replies[request].answer.outcome is Outcome.DELIVERED
    # Another letter, to somebody who does not answer the dial: it is not wanted for ever.
    bench.seen.clear()
    late = bench.command(Tell(peer_id(THIRD), "hello"))
    bench.wait(6 * SECOND_US)
    assert bench.replies[late].answer.problem is LetterProblem.NO_WAY
    assert len(bench.take(Dial)) >= 1
    bench.wait(200 * SECOND_US)
    assert bench.take(Dial) == []


def test_whoever_waits_hears_of_the_stop():
    bench = letter_bench()
    meet(bench, 1, OTHER)
    request = bench.command(Tell(peer_id(OTHER), "hello"))
    bench.ask(Stop())
    assert bench.replies[request].answer.reason is Reason.STOPPED


# --- finding ---


def test_where_a_peer_is_says_the_connection_or_the_book_or_nobody():
    bench = letter_bench()
    meet(bench, 1, OTHER)
    timed = [TimedAddress(address(THIRD, number), 9, bench.now // SECOND_US - number) for number in (5, 4, 6)]
    bench.handle(AddressesFound(AddressSource.DNS, "test", tuple(timed)))
    assert bench.ask(FindPeer(peer_id(OTHER))) == PeerFound((), FoundBy.CONNECTED, is_certain=True)
    found = bench.ask(FindPeer(peer_id(THIRD)))
    assert found == PeerFound(tuple(address(THIRD, number) for number in (4, 5, 6)), FoundBy.BOOK)
    assert bench.ask(FindPeer(peer_id(Identity.from_number(9)))) == PeerFound()


# --- where that cannot be ---


def refusal(bench, command):
    return bench.replies[bench.command(command)].answer


def test_our_own_id_is_nobody_to_look_for():
    bench = letter_bench()
    for command in (FindPeer(peer_id(SELF)), Tell(peer_id(SELF), "hello")):
        assert refusal(bench, command) == Refused(Reason.INVALID, "that is the peer id of this node itself")


def test_a_network_without_own_messages_passes_on_no_letters_but_peers_are_found():
    bench = Bench(identity=SELF)
    assert "own_messages = true" in refusal(bench, Tell(peer_id(OTHER), "hello")).text
    assert bench.ask(FindPeer(peer_id(OTHER))) == PeerFound()
    bench.connect(1)
    bench.seen.clear()
    assert not bench.node.view.has_letters


@pytest.mark.parametrize("command", [Tell(peer_id(OTHER), "hello"), FindPeer(peer_id(OTHER))])
def test_on_plain_tcp_nobody_has_an_id(command):
    assert "start it on libp2p" in refusal(Bench(network=LETTERS), command).text
    bitcoin = Bench(network=NETWORKS["bitcoin-regtest"])
    assert refusal(bitcoin, command).reason is Reason.UNABLE
    assert "bitcoin-regtest have no peer ids" in refusal(bitcoin, command).text


def test_a_node_that_is_recorded_signs_nothing():
    """It has its peer id, but not the key."""
    bench = Bench(NodePolicy(peer_id=peer_id(SELF)), network=LETTERS)
    assert "--record" in refusal(bench, Tell(peer_id(OTHER), "hello")).text


# --- a node that keeps no blocks ---


def test_a_header_only_node_has_letters_too():
    policy = NodePolicy(role=Role.HEADERS, peer_id=peer_id(SELF))
    now = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
    node = assemble_header_only(LETTERS, policy, NodeState(), Rng(b"headers"), now, identity=SELF)
    node.start(now)
    sent = []

    def handle(event):
        node.handle(event, now)
        sent.extend(node.drain_effects())

    node.drain_effects()
    handle(ConnectionOpened(1, address(OTHER), True, None))
    version = Version(70016, 9, now // SECOND_US, NetAddress(), NetAddress(), 1_001, "/x/", 0)
    for said in (version, Verack(), OFFER):
        handle(MessageReceived(1, said, 100))
    handle(CommandReceived(1, Tell(peer_id(OTHER), "hello")))
    one = next(effect.message.letter for effect in sent if isinstance(getattr(effect, "message", None), LetterMessage))
    handle(MessageReceived(1, receipt(one, OTHER), 100))
    (told,) = [effect.answer for effect in sent if isinstance(effect, Reply)]
    assert told.outcome is Outcome.DELIVERED
    handle(CommandReceived(2, FindPeer(peer_id(OTHER))))
    assert sent[-1].answer.by is FoundBy.CONNECTED
    mine = write_letter(OTHER, NETWORK.network_id, target=peer_id(SELF), letter_id=bytes(16), text="x", now=now)
    handle(MessageReceived(1, LetterMessage(mine, 2, False), 100))
    handle(Saved(LETTERS_KEY))
    assert sent[-1].message == receipt(mine, SELF)
    handle(CommandReceived(3, Tell(peer_id(THIRD), "hello")))
    handle(CommandReceived(4, Stop()))
    assert [effect.answer.reason for effect in sent if isinstance(effect, Reply) and effect.request == 3] == [
        Reason.STOPPED
    ]
