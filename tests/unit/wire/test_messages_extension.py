"""Messages beyond Bitcoin's: what may be registered, how they are read, and what two nodes speak after their offers."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import EXTENSIONS_MAX, MESSAGE_PAYLOAD_BYTES_MAX
from minicoin.core.wire import messages as m
from minicoin.core.wire.codec import command_of, decode_payload, encode_payload, make_extensions, payload_bytes_max
from minicoin.core.wire.frame import Dropped, FrameDecoder, encode_frame
from minicoin.core.wire.messages_extension import NO_EXTENSIONS, ExtensionMessage, Offer, offer_of, spoken

MAGIC = b"test"


@dataclass(frozen=True, slots=True)
class Greeting(ExtensionMessage):
    """A message of a part that does not exist."""

    words: bytes

    command = "greeting"
    version = 3
    payload_bytes_max = 100

    def encode(self) -> bytes:
        return b"\x01" + self.words

    @classmethod
    def decode(cls, payload: bytes) -> "Greeting":
        if payload[:1] != b"\x01":
            raise DecodeError("a greeting begins with 1")
        return cls(payload[1:])


SPEAKS = make_extensions([Greeting])


def kind_of(**facts: object) -> type[ExtensionMessage]:
    return type("Changed", (Greeting,), facts)


def decoded(raw: bytes, extensions=SPEAKS):
    decoder = FrameDecoder(MAGIC, extensions)
    decoder.feed(raw)
    found, size = decoder.next_message()
    assert size == len(raw)
    return found


def test_without_any_there_is_nothing_to_speak():
    assert make_extensions([]) is NO_EXTENSIONS
    assert len(SPEAKS) == 2


def test_it_travels_like_any_message():
    frame = encode_frame(MAGIC, Greeting(b"hello"))
    assert decoded(frame) == Greeting(b"hello")
    assert command_of(Greeting(b"")) == "greeting"
    assert encode_payload(Greeting(b"!")) == b"\x01!"


def test_whoever_does_not_speak_it_takes_it_for_unknown():
    for message in (Greeting(b"hello"), offer_of(SPEAKS)):
        frame = encode_frame(MAGIC, message)
        assert decoded(frame, NO_EXTENSIONS) == m.Unknown(message.command, message.encode())


def test_its_limit_and_its_codec_hold_for_hostile_bytes():
    assert payload_bytes_max("greeting", SPEAKS) == 100
    long = decoded(encode_frame(MAGIC, m.Unknown("greeting", b"\x01" + bytes(100))))
    assert long == Dropped("greeting", "greeting message of 101 bytes, at most 100 allowed")
    malformed = decoded(encode_frame(MAGIC, m.Unknown("greeting", b"\x02")))
    assert malformed == Dropped("greeting", "malformed greeting message: a greeting begins with 1")


def test_bitcoins_messages_are_read_as_ever():
    assert decoded(encode_frame(MAGIC, m.Ping(7))) == m.Ping(7)
    assert decode_payload("ping", bytes(8), SPEAKS) == m.Ping(0)


@pytest.mark.parametrize("command", ["ping", "extensions", "Greeting", "", "greetingsgreetings", "gr eet"])
def test_a_command_must_be_free_and_fit(command):
    with pytest.raises(MisuseError, match="command"):
        make_extensions([kind_of(command=command)])


def test_what_else_cannot_be_spoken():
    with pytest.raises(MisuseError, match="another message has it"):
        make_extensions([Greeting, kind_of()])
    with pytest.raises(MisuseError, match="payload"):
        make_extensions([kind_of(payload_bytes_max=MESSAGE_PAYLOAD_BYTES_MAX + 1)])
    with pytest.raises(MisuseError, match=f"at most {EXTENSIONS_MAX}"):
        make_extensions([kind_of(command=f"a{number}") for number in range(EXTENSIONS_MAX + 1)])


def test_spoken_is_what_both_offer_in_one_version():
    other = kind_of(command="other")
    ours = make_extensions([Greeting, other])
    assert offer_of(ours) == Offer((("greeting", 3), ("other", 3)))
    assert spoken(ours, offer_of(SPEAKS)) == (Greeting,)
    assert spoken(ours, Offer((("greeting", 2), ("nothing", 3)))) == ()
    assert spoken(NO_EXTENSIONS, offer_of(ours)) == ()


COMMANDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@given(st.lists(st.tuples(COMMANDS, st.integers(0, 2**32 - 1)), max_size=EXTENSIONS_MAX))
def test_offers_survive_their_encoding(kinds):
    offer = Offer(tuple(kinds))
    payload = offer.encode()
    assert Offer.decode(payload) == offer
    assert len(payload) <= Offer.payload_bytes_max
    for end in range(len(payload)):
        with pytest.raises(DecodeError):
            Offer.decode(payload[:end])


def test_an_offer_is_bounded():
    with pytest.raises(DecodeError, match="at most 64"):
        Offer.decode(bytes([EXTENSIONS_MAX + 1]) + bytes(16) * (EXTENSIONS_MAX + 1))
    with pytest.raises(DecodeError, match="not ASCII"):
        Offer.decode(b"\x01" + b"\xff" * 12 + bytes(4))
