"""Questions under way."""

from tests.unit.overlay.kademlia.contacts import contact, links_of, peer_view

from minicoin.core.effects import Send
from minicoin.core.limits import KAD_ASK_TIMEOUT_US
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtType
from minicoin.core.overlay.kademlia.messages import KadAsk
from minicoin.core.overlay.kademlia.questions import KadQuestions
from minicoin.core.units import Micros

T0 = Micros(1_700_000_000_000_000)
FIND = DhtMessage(DhtType.FIND_NODE, b"somebody")
ANSWER = DhtMessage(DhtType.FIND_NODE)


def test_who_is_connected_is_asked_at_once():
    questions = KadQuestions(links_of(1))
    assert questions.ask(contact(1), FIND, 5, T0) == [Send(1, KadAsk(1, FIND))]
    assert questions.addresses() == [contact(1).address] and questions.next_deadline() == T0 + KAD_ASK_TIMEOUT_US
    question = questions.answered(1, 1, ANSWER)
    assert question is not None and (question.contact, question.search) == (contact(1), 5)
    assert len(questions) == 0 and questions.next_deadline() is None


def test_others_are_asked_once_there_is_a_connection():
    links = links_of()
    questions = KadQuestions(links)
    assert questions.ask(contact(1), FIND, 5, T0) == []
    assert questions.addresses() == [contact(1).address]
    assert questions.on_link(links.add(peer_view(2, 2))) == []
    link = links.add(peer_view(1, 1))
    assert questions.on_link(link) == [Send(1, KadAsk(1, FIND))]
    assert questions.on_link(link) == []


def test_an_answer_counts_once_of_whom_was_asked_and_to_what():
    questions = KadQuestions(links_of(1, 2))
    questions.ask(contact(1), FIND, 5, T0)
    assert questions.answered(2, 1, ANSWER) is None
    assert questions.answered(1, 2, ANSWER) is None
    assert questions.answered(1, 1, DhtMessage(DhtType.PING)) is None
    assert questions.answered(1, 1, ANSWER) is not None
    assert questions.answered(1, 1, ANSWER) is None


def test_time_that_runs_out_is_no_answer():
    questions = KadQuestions(links_of(1, 2))
    for number in (1, 2, 3):
        questions.ask(contact(number), FIND, number, Micros(T0 + number))
    late = Micros(T0 + KAD_ASK_TIMEOUT_US)
    assert questions.take_late(late) == []
    assert [each.search for each in questions.take_late(Micros(late + 2))] == [1, 2]
    assert questions.next_deadline() == late + 3


def test_what_was_asked_on_a_connection_that_ended_is_asked_on_the_next():
    links = links_of(1, 2)
    questions = KadQuestions(links)
    for number in (1, 2):
        questions.ask(contact(number), FIND, number, T0)
    links.pop(1)
    assert questions.on_closed(1) == []
    assert questions.answered(1, 1, ANSWER) is None and contact(1).address in questions.addresses()
    link = links.add(peer_view(1, 9, is_inbound=True))
    assert questions.on_link(link) == [Send(9, KadAsk(1, FIND))]
    # Where there is a second one already, at once.
    links.add(peer_view(1, 10))
    links.pop(9)
    assert questions.on_closed(9) == [Send(10, KadAsk(1, FIND))]
    assert questions.answered(10, 1, ANSWER) is not None


def test_what_waits_for_an_address_that_cannot_be_reached_is_no_answer():
    questions = KadQuestions(links_of(1))
    for number in (1, 2, 3):
        questions.ask(contact(number), FIND, number, T0)
    assert [each.search for each in questions.on_unreachable(contact(2).address)] == [2]
    # What was sent waits for its answer, whatever becomes of another dial.
    assert questions.on_unreachable(contact(1).address) == []
    assert questions.addresses() == [contact(1).address, contact(3).address]


def test_what_was_not_sent_yet_is_dropped_with_its_search():
    questions = KadQuestions(links_of(1))
    questions.ask(contact(1), FIND, 5, T0)
    questions.ask(contact(2), FIND, 5, T0)
    questions.ask(contact(3), FIND, 6, T0)
    questions.drop(5)
    assert questions.addresses() == [contact(1).address, contact(3).address]
