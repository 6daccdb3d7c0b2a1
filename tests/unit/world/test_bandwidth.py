"""The rule of the links, case by case."""

from minicoin.world.bandwidth import departure, reception, transfer_us


def test_a_transfer_takes_its_bytes_rounded_up() -> None:
    assert transfer_us(1_000_000, 1_000_000) == 1_000_000
    assert transfer_us(1, 3) == 333_334
    assert transfer_us(0, 3) == 0
    assert transfer_us(500_000, 0) == 0


def test_an_idle_uplink_sends_at_once() -> None:
    assert departure(now=100, up_free=40, up_time=10, latency=7) == (110, 107, 117)


def test_a_busy_uplink_sends_in_order() -> None:
    free, first, last = departure(now=100, up_free=130, up_time=10, latency=7)
    assert (free, first, last) == (140, 137, 147)
    assert departure(now=101, up_free=free, up_time=10, latency=7) == (150, 147, 157)


def test_a_faster_downlink_adds_nothing() -> None:
    assert reception(first=100, last=150, down_free=0, down_time=20) == (150, 120)


def test_a_slower_downlink_delays_from_the_first_byte() -> None:
    assert reception(first=100, last=110, down_free=0, down_time=50) == (150, 150)


def test_a_busy_downlink_delays_from_when_it_is_free() -> None:
    done, free = reception(first=100, last=150, down_free=0, down_time=50)
    assert (done, free) == (150, 150)
    assert reception(first=110, last=155, down_free=free, down_time=50) == (200, 200)


def test_two_blocks_at_once_take_the_downlink_as_long_as_two() -> None:
    """Work is conserved: from the first byte on the downlink is busy for both."""
    done, free = reception(first=0, last=60, down_free=0, down_time=50)
    assert done == 60
    assert reception(first=0, last=60, down_free=free, down_time=50) == (100, 100)


def test_a_small_message_passes_a_block_that_is_still_coming() -> None:
    """The block is asked for at its last byte, so it has not taken the downlink yet."""
    assert reception(first=500, last=501, down_free=0, down_time=1) == (501, 501)
    assert reception(first=100, last=900, down_free=501, down_time=300) == (900, 801)
