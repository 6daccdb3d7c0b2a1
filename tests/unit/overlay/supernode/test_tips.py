"""Whether a parent's tip fits our chain."""

import pytest

from minicoin.core.overlay.supernode.tips import LAG_MAX, Doubt, doubt_of

RECENT = tuple(bytes((height,)) for height in range(20, 10, -1))


@pytest.mark.parametrize(
    ("height", "tip", "doubt"),
    [
        (20, b"\x14", None),
        (20, b"?", Doubt.CONTRADICTS),
        (19, b"\x13", None),
        (20 - LAG_MAX, b"\x12", None),
        (20 - LAG_MAX - 1, b"\x11", Doubt.LAGS),
        (17, b"?", Doubt.CONTRADICTS),
        (5, b"?", Doubt.LAGS),
        (22, b"?", None),
        (23, b"?", Doubt.UNSEEN),
    ],
)
def test_what_is_said_of_a_tip(height, tip, doubt):
    assert doubt_of(height, tip, RECENT, 20) is doubt
