"""multistream-select: the exchange of the specification, any split of it, refusals, garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.multistream import GREETING, Answerer, Proposer, encode_message
from minicoin.core.limits import MULTISTREAM_MESSAGE_BYTES_MAX, MULTISTREAM_PROPOSALS_MAX


def test_message_form_of_the_specification() -> None:
    assert encode_message("na") == bytes.fromhex("036e610a")
    assert encode_message(GREETING) == b"\x13/multistream/1.0.0\n"


def test_agreement_and_what_follows_it() -> None:
    proposer, answerer = Proposer("/a/1"), Answerer({"/a/1"})
    assert answerer.receive(proposer.take_output() + b"early")
    assert answerer.agreed == "/a/1" and answerer.take_rest() == b"early"
    assert proposer.receive(answerer.take_output() + b"first words")
    assert proposer.agreed == "/a/1" and proposer.take_rest() == b"first words"
    assert proposer.take_output() == answerer.take_output() == b""


def test_refusal_leaves_room_for_another_proposal() -> None:
    proposer, answerer = Proposer("/b/1"), Answerer({"/a/1"})
    assert not answerer.receive(proposer.take_output())
    assert proposer.receive(answerer.take_output()) and proposer.agreed is None
    assert answerer.receive(encode_message("/a/1")) and answerer.agreed == "/a/1"


@given(st.lists(st.integers(1, 12), max_size=20))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    stream = encode_message(GREETING) + encode_message("/b/1") + encode_message("/a/1") + b"rest"
    answerer, at, output = Answerer({"/a/1"}), 0, b""
    for cut in [*cuts, len(stream)]:
        piece, at = stream[at : at + cut], at + cut
        done = answerer.receive(piece)
        output += answerer.take_output()
        if done:
            break
    assert answerer.agreed == "/a/1"
    assert output == encode_message(GREETING) + encode_message("na") + encode_message("/a/1")
    assert b"rest".startswith(answerer.take_rest())


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: node.example.com\r\nUser-Agent: a browser that lost its way\r\n\r\n",
        b"\x00",
        b"\x80" * 9,
        b"\x80\x00",
        b"\x13/multistream/2.0.0\n",
        b"\x03na!",
        b"\x03\xff\xff\n",
        b"\xff\xff\xff\xff\x0f",
        b"\x81\x08" + bytes(MULTISTREAM_MESSAGE_BYTES_MAX + 1),
    ],
)
def test_garbage_is_the_peers_fault(garbage: bytes) -> None:
    for machine in (Proposer("/a/1"), Answerer({"/a/1"})):
        with pytest.raises(PeerFault, match="multistream"):
            machine.receive(garbage)


def test_answer_to_another_question() -> None:
    with pytest.raises(PeerFault, match="answered something else"):
        Proposer("/a/1").receive(encode_message(GREETING) + encode_message("/b/1"))


def test_proposals_are_bounded() -> None:
    answerer = Answerer({"/a/1"})
    answerer.receive(encode_message(GREETING) + encode_message("/b/1") * MULTISTREAM_PROPOSALS_MAX)
    with pytest.raises(PeerFault, match="proposals"):
        answerer.receive(encode_message("/b/1"))


@given(st.binary(max_size=80))
def test_any_bytes_are_answered_or_refused(data: bytes) -> None:
    for machine in (Proposer("/a/1"), Answerer({"/a/1"})):
        try:
            machine.receive(encode_message(GREETING) + data)
        except PeerFault as fault:
            assert fault.reason.startswith("multistream")


def test_who_does_not_greet_in_libp2p_is_told_apart_and_hears_nothing() -> None:
    answerer = Answerer(("/noise",))
    with pytest.raises(PeerFault, match="does not speak libp2p, as this port does"):
        answerer.receive(b"\xf9\xbe\xb4\xd9version\0\0\0\0\0")
    assert answerer.take_output() == b""
