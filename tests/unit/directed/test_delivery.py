"""Letters between nodes whose ways are a table of the test."""

from dataclasses import replace

import pytest
from tests.unit.directed.post import NETWORK, NOW, Post, Town, address, hash_, identity, letter, message, peer_id

from minicoin.core.answers import LetterProblem, Outcome, Reason, Told
from minicoin.core.directed.letter import sign_receipt
from minicoin.core.directed.letterbox import Letterbox
from minicoin.core.directed.messages import LetterFailed, LetterMessage, LetterTaken, Receipt
from minicoin.core.faults import MisuseError
from minicoin.core.limits import (
    LETTER_AGE_MAX_S,
    LETTERS_BURST_S,
    LETTERS_OWN_WAITING_MAX,
    LETTERS_PER_SECOND_PER_PEER,
    LETTERS_WAITING_MAX,
    LETTERS_WAITING_PER_GROUP_MAX,
    LETTERS_WAITING_PER_PEER_MAX,
)
from minicoin.core.notices import LetterReceived
from minicoin.core.units import SECOND_US, Micros


def receipt(one, number=2, hops=1):
    signature = sign_receipt(identity(number), NETWORK, one.letter_id, hash_(one))
    return Receipt(hash_(one), hops, identity(number).public_key, signature)


def failed(one, hop, problem):
    return LetterFailed(hash_(one), hop, problem)


def line():
    """0 - 1 - 2 - 3, and everybody knows the way to 3."""
    town = Town((0, 1), (1, 2), (2, 3))
    town.way(3, n0="1", n1="2", n2="3")
    return town


# --- delivered ---


def test_three_hops_there_and_back():
    town = line()
    request = town[0].tell(3)
    town.run()
    told = town[0].answers[request]
    assert (told.outcome, told.hops) == (Outcome.DELIVERED, 3)
    assert town[3].received == [LetterReceived(peer_id(0), told.letter_id, "hello")]
    assert [one.letter.text for one in town[3].part.listing()] == ["hello"]
    assert [command for _, _, command in town.passed] == [
        "letter", "lettertaken", "letter", "lettertaken", "letter", "receipt", "receipt", "receipt",
    ]  # fmt: skip


def test_a_repeat_is_shown_once_and_has_its_receipt_again():
    town = line()
    first = town[0].tell(3, "once")
    town.run()
    again = town[0].tell(3, "once", town[0].answers[first].letter_id)
    town.run()
    assert town[0].answers[again] == town[0].answers[first]
    # Later, when nobody on the way remembers it; also by a node that was started anew meanwhile.
    town.later(60)
    town.posts[3] = Post(3, Letterbox.from_bytes(town[3].disk))
    town.posts[3].now = town[0].now
    town.posts[3].meet(2)
    later = town[0].tell(3, "once", town[0].answers[first].letter_id)
    town.run()
    assert town[0].answers[later] == town[0].answers[first]
    assert len(town[3].part.listing()) == 1 and town[3].received == []
    other = town[0].tell(3, "once")
    town.run()
    assert town[0].answers[other].letter_id != town[0].answers[first].letter_id
    assert len(town[3].part.listing()) == 2


def test_no_receipt_before_the_disk_has_it():
    post, one = Post(2), letter()
    post.meet(1)
    post.hear(1, message(one))
    assert post.sent == [] and post.received == [] and post.part.listing() == ()
    post.save()
    assert post.take_sent() == [(1, receipt(one))]
    post.hear(1, message(one))
    assert post.take_sent() == [(1, receipt(one))] and post.saves == []


def test_a_disk_that_refuses_is_said_and_it_may_be_tried_again():
    post, one = Post(2), letter()
    post.meet(1)
    post.hear(1, message(one, hops_left=1))
    post.save("no space left on device")
    assert post.take_sent() == [(1, failed(one, 2, LetterProblem.NOT_SAVED))] and post.received == []
    post.hear(1, message(one))
    post.save()
    assert post.take_sent() == [(1, receipt(one))]


def test_letters_that_come_while_the_disk_writes_wait_for_the_next_write():
    post = Post(2)
    post.meet(1)
    for number in range(3):
        post.hear(1, message(letter(number=number)))
    assert len(post.saves) == 1
    post.save()
    assert [to for to, _ in post.take_sent()] == [1] and len(post.saves) == 1
    post.save()
    assert [to for to, _ in post.take_sent()] == [1, 1] and post.saves == []


# --- failed ---


def test_who_has_nobody_says_so_at_once_and_the_next_one_is_tried():
    town = Town((0, 1), (0, 2), (2, 3))
    town.way(3, n0="1 2", n2="3")
    request = town[0].tell(3)
    town.run()
    assert town[0].answers[request].outcome is Outcome.DELIVERED
    assert [command for _, to, command in town.passed if to == 0][:2] == ["letterfailed", "lettertaken"]


def test_nobody_knows_a_way():
    town = Town((0, 1))
    request = town[0].tell(3)
    assert (town[0].answers[request].hop, town[0].answers[request].problem) == (1, LetterProblem.NO_WAY)
    town.way(3, n0="1")
    request = town[0].tell(3)
    town.run()
    told = town[0].answers[request]
    assert (told.outcome, told.hop, told.problem) == (Outcome.FAILED, 2, LetterProblem.NO_WAY)


@pytest.mark.parametrize(
    ("dead", "seconds", "hop", "problem"),
    [
        (1, 5, 1, LetterProblem.NO_ANSWER),
        (2, 5, 2, LetterProblem.NO_ANSWER),
        (3, 5, 3, LetterProblem.NO_ANSWER),
    ],
)
def test_the_hop_that_is_dead_is_named(dead, seconds, hop, problem):
    town = line()
    town.dead.add(dead)
    request = town[0].tell(3)
    town.run()
    town.later(seconds - 0.2)
    assert request not in town[0].answers
    town.later(0.4)
    told = town[0].answers[request]
    assert (told.outcome, told.hop, told.problem) == (Outcome.FAILED, hop, problem)
    # Nobody keeps anything of it, so it may be told again.
    assert all(post.part.snapshot(post.now).under_way == () for post in town.posts.values())
    town.dead.clear()
    again = town[0].tell(3, letter_id=told.letter_id)
    town.run()
    assert town[0].answers[again].outcome is Outcome.DELIVERED


def test_three_silent_ones_share_five_seconds():
    post = Post(0)
    post.meet(1, 2, 3, 4)
    post.ways[peer_id(9)] = (1, 2, 3, 4)
    request = post.tell(9)
    asked = []
    for tenth in range(60):
        asked += [(tenth / 10, to) for to, _ in post.take_sent()]
        post.later(0.1)
    assert asked == [(0, 1), (2, 2), (3.5, 3)]
    assert post.answers[request] == Told(Outcome.FAILED, post.answers[request].letter_id, 0, 1, LetterProblem.NO_ANSWER)


def test_no_answer_after_fifteen_seconds():
    """The next hop takes it, and is never heard of again."""
    post = Post(0)
    post.meet(1)
    post.ways[peer_id(9)] = (1,)
    request = post.tell(9)
    ((_, given),) = post.take_sent()
    post.later(4.9)
    post.hear(1, LetterTaken(hash_(given.letter)))
    post.later(10)
    assert request not in post.answers
    post.later(0.1)
    told = post.answers[request]
    assert (told.outcome, told.hop, told.problem) == (Outcome.FAILED, 2, LetterProblem.NO_RECEIPT)


def test_a_failure_behind_the_next_hop_leaves_the_rest_of_the_time_to_others():
    post = Post(0)
    post.meet(1, 2)
    post.ways[peer_id(9)] = (1, 2)
    request = post.tell(9)
    ((_, given),) = post.take_sent()
    one = given.letter
    post.hear(1, LetterTaken(hash_(one)))
    post.later(3)
    post.hear(1, failed(one, 3, LetterProblem.NO_ANSWER))
    assert [to for to, _ in post.take_sent()] == [2]
    post.hear(2, LetterTaken(hash_(one)))
    post.later(5)
    post.hear(2, failed(one, 2, LetterProblem.NO_WAY))
    told = post.answers[request]
    assert (told.hop, told.problem) == (3, LetterProblem.NO_ANSWER)


def test_a_connection_that_ends_is_an_answer():
    post = Post(0)
    post.meet(1, 2)
    post.ways[peer_id(9)] = (1, 2)
    request = post.tell(9)
    assert [to for to, _ in post.take_sent()] == [1]
    post.leave(1)
    assert [to for to, _ in post.take_sent()] == [2]
    post.leave(2)
    assert (post.answers[request].hop, post.answers[request].problem) == (1, LetterProblem.NO_ANSWER)


def test_who_asked_and_left_is_told_nothing():
    post, one = Post(5), letter()
    post.meet(1, 2)
    post.ways[peer_id(2)] = (2,)
    post.hear(1, message(one))
    post.take_sent()
    post.leave(1)
    assert post.part.snapshot(post.now).under_way == ()
    post.hear(2, receipt(one))
    assert post.take_sent() == []


# --- to be connected first ---


def test_a_connection_that_is_wanted_for_it_is_waited_for():
    post = Post(0)
    post.reach_of[peer_id(9)] = (address(9),)
    request = post.tell(9)
    assert post.wanted == (address(9),) and post.sent == []
    post.later(1)
    post.ways[peer_id(9)] = (9,)
    post.meet(9)
    ((to, given),) = post.take_sent()
    assert to == 9
    post.hear(9, receipt(given.letter, 9))
    assert post.answers[request].outcome is Outcome.DELIVERED
    assert post.wanted == ()


def test_a_way_that_a_lookup_finds_meanwhile_is_taken():
    post = Post(0)
    post.meet(1)
    post.reach_of[peer_id(9)] = (address(9),)
    post.tell(9)
    post.later(1)
    assert post.take_sent() == []
    post.ways[peer_id(9)] = (1,)
    post.later(0.25)
    assert [to for to, _ in post.take_sent()] == [1]


def test_it_is_waited_for_no_longer_than_a_hop():
    post = Post(0)
    post.reach_of[peer_id(9)] = (address(9),)
    request = post.tell(9)
    post.later(4.9)
    assert request not in post.answers
    post.later(0.2)
    assert (post.answers[request].hop, post.answers[request].problem) == (1, LetterProblem.NO_WAY)
    assert post.wanted == ()


# --- no way is known ---


def flood_town(*pairs):
    town = Town(*pairs)
    for number, post in town.posts.items():
        post.floods = True
        neighbours = [b if a == number else a for a, b in pairs if number in (a, b)]
        for target in range(10):
            post.ways[peer_id(target)] = tuple(neighbours)
    return town


def test_a_letter_without_a_way_is_passed_on_and_maybe_arrives():
    town = flood_town((0, 1), (0, 2), (1, 3), (2, 3), (3, 1))
    request = town[0].tell(9)
    town.run()
    town.later(4.8)
    assert request not in town[0].answers
    town.later(0.4)
    told = town[0].answers[request]
    assert (told.outcome, told.neighbours, told.problem) == (Outcome.MAYBE, 2, None)
    assert {command for _, _, command in town.passed} == {"letter"}
    assert all(post.part.snapshot(post.now).under_way == () for post in town.posts.values())


def test_a_receipt_makes_it_certain():
    town = flood_town((0, 1), (1, 2), (2, 3))
    request = town[0].tell(3)
    town.run()
    assert (town[0].answers[request].outcome, town[0].answers[request].hops) == (Outcome.DELIVERED, 3)
    assert len(town[3].received) == 1


def test_it_is_passed_on_three_hops_and_no_further():
    town = flood_town((0, 1), (1, 2), (2, 3), (3, 4))
    request = town[0].tell(4)
    town.run()
    town.later(6)
    assert town[0].answers[request].outcome is Outcome.MAYBE
    assert town[4].received == [] and [to for _, to, _ in town.passed] == [1, 2, 3]


def test_who_saw_it_ignores_it():
    town = flood_town(*((one, other) for one in range(5) for other in range(one)))
    town[0].tell(9)
    town.run()
    # To each neighbour but the one it came from, once.
    assert len(town.passed) == 4 + 4 * 3


def test_nobody_to_pass_it_on_to():
    post = Post(0)
    post.floods = True
    request = post.tell(9)
    assert (post.answers[request].outcome, post.answers[request].problem) == (Outcome.FAILED, LetterProblem.NO_WAY)


def test_a_letter_with_a_way_is_not_scattered_on_its_way():
    """Somebody who knows none says so, though it would pass on what floods."""
    town = Town((0, 1), (1, 2))
    town.way(3, n0="1", n1="2")
    town[1].floods = True
    request = town[0].tell(3)
    town.run()
    assert (town[0].answers[request].hop, town[0].answers[request].problem) == (2, LetterProblem.NO_WAY)


# --- what is refused ---


def test_nobody_tells_himself():
    post = Post(0)
    request = post.tell(0)
    assert post.answers[request][0] is Reason.INVALID


def test_a_text_that_is_none_is_misuse():
    with pytest.raises(MisuseError, match="one line"):
        Post(0).tell(1, "a\nb")


def test_own_letters_under_way_are_bounded_and_one_is_not_told_twice_at_once():
    post = Post(0)
    post.meet(1)
    post.ways[peer_id(9)] = (1,)
    first = post.tell(9, letter_id=bytes(16))
    again = post.tell(9, letter_id=bytes(16))
    assert first not in post.answers and post.answers[again][0] is Reason.CROWDED
    for number in range(LETTERS_OWN_WAITING_MAX):
        last = post.tell(9, str(number))
    assert post.answers[last][0] is Reason.CROWDED and len(post.answers) == 2


def test_whoever_waits_hears_of_a_stop():
    post = Post(0)
    post.meet(1)
    post.ways[peer_id(9)] = (1,)
    request = post.tell(9)
    post.part.on_stop("the node is shutting down")
    assert post.answers[request] == (Reason.STOPPED, "the node is shutting down")
    post.later(20)


def test_forged_letters_and_receipts_are_the_fault_of_whoever_brings_them():
    post, one = Post(5), letter()
    post.meet(1, 2)
    post.ways[peer_id(2)] = (2,)
    assert "did not sign" in post.faults(1, message(replace(one, text="hullo")))
    assert post.sent == [] and post.part.snapshot(post.now).under_way == ()
    post.hear(1, message(one))
    post.take_sent()
    assert "not the addressee" in post.faults(2, receipt(one, 3))
    assert "did not sign" in post.faults(2, replace(receipt(one), signature=bytes(64)))
    assert post.sent == []
    post.hear(2, receipt(one))
    assert post.take_sent() == [(1, receipt(one))]


def test_words_of_somebody_who_was_not_asked_change_nothing():
    post, one = Post(5), letter()
    post.meet(1, 2, 3)
    post.ways[peer_id(2)] = (2,)
    post.hear(1, message(one))
    post.take_sent()
    for word in (receipt(one), replace(receipt(one), signature=bytes(64)), LetterTaken(hash_(one))):
        assert post.faults(3, word) is None
    post.hear(3, failed(one, 2, LetterProblem.NO_WAY))
    # And of letters that nobody knows.
    for word in (receipt(letter(number=7)), LetterTaken(bytes(32)), LetterFailed(bytes(32), 1, LetterProblem.NO_WAY)):
        post.hear(2, word)
    assert post.sent == [] and not post.part.snapshot(post.now).under_way[0].is_done


def test_an_old_letter_and_one_of_tomorrow_are_refused():
    post = Post(5)
    post.meet(1)
    for sign in (1, -1):
        one = letter(now=Micros(NOW + sign * (LETTER_AGE_MAX_S + 1) * SECOND_US))
        post.hear(1, message(one, hops_left=1))
        assert post.take_sent() == [(1, failed(one, 2, LetterProblem.EXPIRED))]


def test_hops_come_to_an_end():
    post, one = Post(5), letter()
    post.meet(1, 2)
    post.ways[peer_id(2)] = (2,)
    post.hear(1, message(one, hops_left=0))
    assert post.take_sent() == [(1, failed(one, 3, LetterProblem.TOO_FAR))]
    post.hear(1, message(one, hops_left=0, floods=True))
    assert post.take_sent() == []


def test_a_letter_that_goes_round_is_stopped():
    post, one = Post(5), letter()
    post.meet(1, 2)
    post.ways[peer_id(2)] = (2,)
    post.hear(1, message(one))
    post.take_sent()
    post.hear(2, message(one, hops_left=0))
    assert post.take_sent() == [(2, failed(one, 3, LetterProblem.GONE_ROUND))]
    # And one of ours, long after.
    post.hear(1, message(letter(sender=5, target=9)))
    assert [sent.problem for _, sent in post.take_sent()] == [LetterProblem.GONE_ROUND]


def test_two_who_bring_the_same_letter_both_hear_how_it_ended():
    post, one = Post(5), letter()
    post.meet(1, 2, 3)
    post.ways[peer_id(2)] = (2,)
    post.hear(1, message(one))
    post.hear(3, message(one))
    assert [(to, type(sent)) for to, sent in post.take_sent()] == [
        (1, LetterTaken), (2, LetterMessage), (3, LetterTaken),
    ]  # fmt: skip
    post.hear(2, receipt(one))
    assert post.take_sent() == [(1, receipt(one)), (3, receipt(one))]
    post.hear(3, message(one))
    assert post.take_sent() == [(3, receipt(one))]


def test_a_peer_that_does_not_speak_letters_is_given_none():
    post = Post(0)
    post.take(post.part.on_offer(post.peer(1), (LetterMessage, Receipt), post.now))
    post.ways[peer_id(9)] = (1,)
    request = post.tell(9)
    assert post.answers[request].problem is LetterProblem.NO_WAY and post.sent == []
    # Nor are any taken from it, since it could not hear what became of them.
    post.hear(1, message(letter(target=0)))
    assert post.sent == post.saves == []


# --- too many ---


def problems(post):
    return [sent.problem for _, sent in post.take_sent() if isinstance(sent, LetterFailed)]


def busy_post():
    post = Post(5)
    post.meet(*range(1_000, 1_000 + 64))
    post.ways[peer_id(9)] = (1_000,)
    return post


def test_letters_that_come_too_fast_are_answered_and_not_looked_at():
    post = busy_post()
    count = LETTERS_PER_SECOND_PER_PEER * LETTERS_BURST_S
    for number in range(count):
        post.hear(1_001, message(letter(target=8, number=number)))
    assert problems(post) == [LetterProblem.NO_WAY] * count
    # Not even its signature is.
    post.hear(1_001, message(replace(letter(target=8, number=count), signature=b"")))
    assert problems(post) == [LetterProblem.CROWDED]
    post.now = Micros(post.now + SECOND_US)
    post.hear(1_001, message(letter(target=8, number=count)))
    assert problems(post) == [LetterProblem.NO_WAY]


def fill(post, conns, count, start=0):
    """How many of so many letters are passed on that come one a second."""
    taken = 0
    for number in range(start, start + count):
        post.hear(conns[number % len(conns)], message(letter(target=9, number=number)))
        taken += any(isinstance(sent, LetterTaken) for _, sent in post.take_sent())
    return taken


def test_letters_under_way_are_bounded_per_peer():
    assert fill(busy_post(), [1_001], 100) == LETTERS_WAITING_PER_PEER_MAX


def test_letters_under_way_are_bounded_per_group():
    # 10.3.x and 10.4.x.
    assert fill(busy_post(), [1_001, 1_002, 1_003, 1_004], 240) == LETTERS_WAITING_PER_GROUP_MAX


def test_letters_under_way_are_bounded_in_all():
    post = Post(5, group=lambda where: where.host.encode())
    post.meet(*range(1_000, 1_100))
    post.ways[peer_id(9)] = (1_000,)
    taken = 0
    for start in range(0, LETTERS_WAITING_MAX + 100, 100):
        taken += fill(post, list(range(1_001, 1_100)), 100, start)
        post.now = Micros(post.now + SECOND_US)
    assert taken == LETTERS_WAITING_MAX
    post.later(15)
    assert post.part.snapshot(post.now).under_way == ()


def test_what_is_done_with_is_remembered_until_all_hops_have_ended():
    town = line()
    town[0].tell(3)
    town.run()
    assert [len(post.part.snapshot(post.now).under_way) for post in town.posts.values()] == [1, 1, 1, 0]
    town.later(15.2)
    assert [len(post.part.snapshot(post.now).under_way) for post in town.posts.values()] == [0] * 4
