"""The asking side of ping; the answering side is tested with the services."""

import pytest

from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.ping import PING_BYTES, Pinger
from minicoin.core.units import Micros


def test_round_trip_is_counted_to_the_last_byte() -> None:
    payload = bytes(range(PING_BYTES))
    pinger = Pinger(payload, Micros(100))
    assert pinger.receive(payload[:31], Micros(150)) is None
    assert pinger.receive(payload[31:], Micros(175)) == 75


@pytest.mark.parametrize("answer", [bytes(PING_BYTES), bytes(range(PING_BYTES)) + b"x", b"\x01"])
def test_another_answer_is_a_fault(answer: bytes) -> None:
    with pytest.raises(PeerFault, match="ping"):
        Pinger(bytes(range(PING_BYTES)), Micros(0)).receive(answer, Micros(1))
