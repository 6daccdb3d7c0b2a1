"""The messages of a pull."""

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.overlay.repair.messages import Pull, Pulled

SAMPLES = (Pull(3, bytes(32), 2**63), Pulled(4, True, 5), Pulled(4, False, 0))


@pytest.mark.parametrize("message", SAMPLES, ids=repr)
def test_it_comes_back_as_it_went(message):
    payload = message.encode()
    assert type(message).decode(payload) == message and len(payload) == message.payload_bytes_max
    for broken in (payload[:-1], payload + b"\0", b""):
        with pytest.raises(DecodeError):
            type(message).decode(broken)


def test_more_is_yes_or_no():
    with pytest.raises(DecodeError):
        Pulled.decode(bytes(8) + b"\x02" + bytes(8))
