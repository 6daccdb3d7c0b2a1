"""When an address is hopeless, how likely it is drawn, and the bytes that stand for it."""

from ipaddress import ip_address

import pytest

from minicoin.core.addrmgr.entry import (
    FAILURES_MAX,
    FAILURES_WITHIN_S,
    FUTURE_S,
    HORIZON_S,
    JUST_TRIED_S,
    RETRIES_NEVER_GOOD,
    KnownAddress,
    believed_time,
    pack_address,
    read_packed_address,
)
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.address import NodeAddress

NOW = 1_700_000_000


def entry(**known: int) -> KnownAddress:
    return KnownAddress(NodeAddress("1.2.3.4", 5), b"", b"", 1, **{"time": NOW, **known})


@pytest.mark.parametrize(
    ("known", "is_terrible"),
    [
        ({}, False),
        ({"time": NOW - HORIZON_S}, False),
        ({"time": NOW - HORIZON_S - 1}, True),
        ({"time": NOW + FUTURE_S + 1}, True),
        ({"attempts": RETRIES_NEVER_GOOD}, True),
        ({"attempts": RETRIES_NEVER_GOOD, "last_success": NOW - 1}, False),
        ({"attempts": FAILURES_MAX, "last_success": NOW - FAILURES_WITHIN_S}, False),
        ({"attempts": FAILURES_MAX, "last_success": NOW - FAILURES_WITHIN_S - 1}, True),
        # Whoever was tried a moment ago is not judged by it.
        ({"time": NOW - HORIZON_S - 1, "last_attempt": NOW - JUST_TRIED_S + 1}, False),
    ],
)
def test_hopeless(known: dict[str, int], is_terrible: bool) -> None:
    assert entry(**known).is_terrible(NOW) is is_terrible


def test_failures_make_it_less_likely_up_to_eight_and_a_fresh_try_more_so() -> None:
    chances = [entry(attempts=attempts).chance(NOW) for attempts in range(10)]
    assert chances[0] == 1.0
    assert chances[:9] == sorted(chances[:9], reverse=True)
    assert chances[8] == chances[9] == pytest.approx(0.66**8)
    assert entry(last_attempt=NOW - 1).chance(NOW) == pytest.approx(0.01)


@pytest.mark.parametrize("host", ["1.2.3.4", "2001:db8::1"])
@pytest.mark.parametrize("peer_id", [b"", b"\x12\x20" + bytes(32)])
def test_the_bytes_that_stand_for_an_address(host: str, peer_id: bytes) -> None:
    address, ip = NodeAddress(host, 8333, peer_id), ip_address(host)
    raw = pack_address(address, ip)
    assert read_packed_address(b"x" + raw + b"y", 1) == (address, 1 + len(raw))
    for end in range(len(raw)):
        with pytest.raises((DecodeError, IndexError)):
            read_packed_address(raw[:end], 0)


def test_other_lengths_are_no_addresses() -> None:
    with pytest.raises(DecodeError):
        read_packed_address(b"\x05" + bytes(20), 0)


@pytest.mark.parametrize(
    ("time", "believed"),
    [
        (NOW, NOW),
        (NOW + FUTURE_S, NOW + FUTURE_S),
        (NOW + FUTURE_S + 1, NOW - 5 * 86_400),
        (100_000_001, 100_000_001),
        (100_000_000, NOW - 5 * 86_400),
        (0, NOW - 5 * 86_400),
    ],
)
def test_a_time_that_cannot_be_is_taken_for_five_days_ago(time: int, believed: int) -> None:
    assert believed_time(time, NOW) == believed
    assert believed_time(0, 60) == 0
