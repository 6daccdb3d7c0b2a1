"""Shuffles: what a node says of itself, whom it hears of, and what it does not believe."""

from dataclasses import replace

import pytest
from tests.unit.overlay.gossip.made import (
    NETWORK_ID,
    T0,
    address,
    alive,
    heard,
    identity,
    peer,
    peer_id,
    setup,
)

from minicoin.core.effects import SaveState, Send
from minicoin.core.faults import DecodeError, PeerFault
from minicoin.core.limits import GOSSIP_SHUFFLE_ANSWER_US, GOSSIP_SHUFFLE_ENTRIES_MAX, OVERLAY_QUESTIONS_BURST
from minicoin.core.overlay.gossip.alive import is_genuine
from minicoin.core.overlay.gossip.membership import Membership
from minicoin.core.overlay.gossip.messages import Heard, Shuffle, Shuffled
from minicoin.core.overlay.gossip.settings import read_settings
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import SECOND_US, Micros, seconds

PERIOD_US = read_settings({}).alive_period_us


def membership(now=T0, **chosen):
    made = setup(**chosen)
    found = Membership(made, read_settings(made.settings))
    found.start(now)
    return found


def said(effects):
    """The one message among what is sent."""
    (effect,) = effects
    assert isinstance(effect, Send)
    return effect.message


def shuffle(made, sender, *entries, now=T0, nonce=1):
    return said(made.take_shuffle(sender, Shuffle(nonce, entries), now))


# --- what it says ---


def test_it_says_where_it_listens_signed_and_newer_each_period():
    made = membership()
    first = made.own(T0)
    assert (first.alive.address, first.age_s) == (address(200), 0)
    assert is_genuine(first.alive, NETWORK_ID)
    assert made.own(Micros(T0 + PERIOD_US - 1)).alive is first.alive
    second = made.own(Micros(T0 + PERIOD_US))
    assert second.alive.version > first.alive.version and second.age_s == 0


def test_a_later_life_is_newer_though_the_clock_was_set_back():
    for clock, saved in ((T0, None), (T0, b"\0" * 8), (Micros(SECOND_US), seconds(T0).to_bytes(8, "little"))):
        made = Membership(setup(saved=saved), read_settings({}))
        save = made.start(clock)
        incarnation = int.from_bytes(save.value, "little")
        assert isinstance(save, SaveState)
        assert incarnation == max(seconds(clock), seconds(T0) + 1 if saved and any(saved) else 0)
        assert made.own(clock).alive.version == (incarnation, 1)


def test_a_damaged_document_of_the_last_run_is_refused():
    with pytest.raises(DecodeError, match="7 bytes"):
        membership(saved=bytes(7))


@pytest.mark.parametrize(
    "chosen",
    [
        {"identity": None},
        {"own_address": lambda: None},
        {"own_address": lambda: NodeAddress("node.example", 8333)},
        {"own_address": lambda: NodeAddress("0.0.0.0", 8333)},
        {"own_address": lambda: address(1), "is_private_network": False},
    ],
    ids=["no key", "takes no connections", "a name", "everywhere", "a private address on a public network"],
)
def test_who_cannot_be_reached_or_sign_says_nothing_and_takes_part(chosen):
    made = membership(**chosen)
    assert made.own(T0) is None
    assert said(made.greet(peer(2, 2), T0)).entries == ()
    made.greet(peer(4, 4), T0)
    made.take_shuffle(peer(4, 4), Shuffle(1, (heard(4), heard(5))), T0)
    assert [entry.alive for entry in shuffle(made, peer(2, 2)).entries] == [alive(4)]
    # Addresses that no public network has are nothing to learn.
    assert len(made.view) == (0 if chosen.get("is_private_network") is False else 2)


def test_another_address_is_said_at_once():
    where = [address(200)]
    made = membership(own_address=lambda: where[0])
    first = made.own(T0)
    where[0] = NodeAddress("10.77.0.1", 8333)
    assert made.own(T0).alive.address == replace(where[0], peer_id=peer_id(200))
    assert made.own(T0).alive.version > first.alive.version


# --- shuffles ---


def test_whom_we_dialled_is_asked_at_once_and_who_dialled_us_is_waited_for():
    made = membership()
    assert isinstance(said(made.greet(peer(2, 2), T0)), Shuffle)
    assert list(made.greet(peer(3, 3, kind=SlotKind.INBOUND), T0)) == []
    assert list(made.partners) == [2, 3]


def test_a_round_asks_one_partner():
    made = membership()
    assert list(made.begin_round(T0)) == []
    for number in range(5):
        made.greet(peer(number, number), T0)
    asked = set()
    for _ in range(40):
        (effect,) = made.begin_round(T0)
        asked.add(effect.conn)
    assert asked == set(range(5))


def test_both_ends_of_a_shuffle_know_more_after_it():
    one, other = membership(own=200), membership(own=201)
    ask = said(one.greet(peer(2, 201), T0))
    other.greet(peer(1, 200, kind=SlotKind.INBOUND), T0)
    other.greet(peer(3, 3), T0)
    shuffle(other, peer(3, 3), heard(3), heard(4))
    answer = said(other.take_shuffle(peer(1, 200), ask, T0))
    one.take_shuffled(peer(2, 201), answer, T0)
    # Of the fourth the other knows at second hand: it says nothing of it.
    assert sorted(member.alive.peer_id for member in one.view) == sorted([peer_id(201), peer_id(3)])
    assert sorted(member.alive.peer_id for member in other.view) == sorted([peer_id(200), peer_id(3), peer_id(4)])


def test_an_answer_is_short_and_tells_of_partners_only_and_not_of_the_asker():
    made = membership()
    for number in range(1, 20):
        made.greet(peer(number, number), T0)
        shuffle(made, peer(number, number), heard(number), heard(100 + number))
    entries = shuffle(made, peer(2, 2), heard(2, (1, 2))).entries
    assert len(entries) == GOSSIP_SHUFFLE_ENTRIES_MAX
    assert entries[0].alive.peer_id == peer_id(200)
    told = [entry.alive.peer_id for entry in entries[1:]]
    assert set(told) <= {peer_id(number) for number in range(1, 20) if number != 2}


def test_a_partner_that_has_not_spoken_for_the_expiry_is_not_told_of():
    made = membership()
    made.greet(peer(2, 2), T0)
    made.greet(peer(3, 3), T0)
    shuffle(made, peer(3, 3), heard(3, age_s=20))
    for seconds_on, count in ((99, 2), (100, 1)):
        assert len(shuffle(made, peer(2, 2), now=Micros(T0 + seconds_on * SECOND_US)).entries) == count


def test_ourselves_the_unreachable_and_the_stale_are_not_learned():
    made = membership(is_private_network=False)
    made.greet(peer(2, 2), T0)
    shuffle(made, peer(2, 2), heard(200, (9, 9)), heard(3), heard(4, age_s=121))
    assert len(made.view) == 0


@pytest.mark.parametrize("fault", ["signature", "network"])
def test_who_passes_on_a_forgery_is_to_blame(fault):
    made = membership()
    made.greet(peer(2, 2), T0)
    forged = replace(alive(3), signature=bytes(64))
    if fault == "network":
        other = Membership(setup(own=3, network_id=bytes(32)), read_settings({}))
        forged = other.own(T0).alive
    with pytest.raises(PeerFault, match="nobody with that peer id"):
        made.take_shuffle(peer(2, 2), Shuffle(1, (Heard(forged, 0),)), T0)
    assert len(made.view) == 0


def test_a_replay_is_old_and_costs_no_check():
    made = membership()
    made.greet(peer(2, 2), T0)
    shuffle(made, peer(2, 2), heard(3, (5, 5)))
    # Not even the signature is looked at: it is no news.
    shuffle(made, peer(2, 2), Heard(replace(alive(3, (5, 5)), signature=bytes(64)), 0), nonce=2)
    assert len(made.view) == 1


def test_what_was_not_asked_for_or_comes_late_is_not_learned():
    made = membership()
    ask = said(made.greet(peer(2, 2), T0))
    made.take_shuffled(peer(2, 2), Shuffled(ask.nonce ^ 1, (heard(3),)), T0)
    made.take_shuffled(peer(4, 4), Shuffled(ask.nonce, (heard(3),)), T0)
    assert len(made.view) == 0
    made.take_shuffled(peer(2, 2), Shuffled(ask.nonce, (heard(3),)), Micros(T0 + GOSSIP_SHUFFLE_ANSWER_US))
    assert len(made.view) == 0
    assert list(made.take_shuffle(peer(9, 9), Shuffle(1, (heard(3),)), T0)) == []
    assert len(made.view) == 0


def test_a_flood_of_shuffles_is_answered_and_learned_from_within_bounds():
    made = membership()
    made.greet(peer(2, 2), T0)
    answers = [
        list(made.take_shuffle(peer(2, 2), Shuffle(n, (heard(n),)), T0)) for n in range(3 * OVERLAY_QUESTIONS_BURST)
    ]
    assert sum(map(len, answers)) == len(made.view) == OVERLAY_QUESTIONS_BURST


# --- who is there ---


def test_it_knows_itself_its_partners_and_its_view():
    made = membership()
    made.greet(peer(2, 2), T0)
    shuffle(made, peer(2, 2), heard(2), heard(3))
    late = Micros(T0 + 130 * SECOND_US)
    made.begin_round(late)
    assert made.know(peer_id(200), late).alive.address == address(200)
    # The view forgot both, but one of them is connected.
    assert made.know(peer_id(3), late) is None
    assert (made.know(peer_id(2), late).alive, made.know(peer_id(2), late).age_s) == (alive(2), 130)
    made.forget(2)
    assert made.know(peer_id(2), late) is None


def test_two_identities_do_not_speak_for_each_other():
    assert identity(2).peer_id.multihash != identity(3).peer_id.multihash
    made = membership()
    made.greet(peer(2, 2), T0)
    shuffle(made, peer(2, 2), heard(3))
    assert made.partners[2].alive is None
