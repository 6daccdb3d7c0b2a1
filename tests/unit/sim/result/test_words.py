import pytest

from minicoin.sim.result.words import (
    format_bytes,
    format_count,
    format_number,
    format_share,
    format_us,
    plural,
    shorten,
)


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (850, "850 µs"),
        (12_340, "12.3 ms"),
        (1_234_567, "1.235 s"),
        (119_000_000, "119.000 s"),
        (245_000_000, "4 min 05 s"),
        (600_000_000, "10 min"),
        (9_000_000_000, "2 h 30 min"),
        (36_000_000_000, "10 h"),
    ],
)
def test_durations(us: int | None, text: str) -> None:
    assert format_us(us) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (535_000, "535.0 kB"), (2.5e12, "2.5 TB")]
)
def test_bytes(size: float, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (0, "0.00%"), (0.0163, "1.63%"), (0.5, "50.0%"), (0.9999, "99.99%"), (1, "100.0%")]
)
def test_shares(share: float | None, text: str) -> None:
    assert format_share(share) == text


def test_counts() -> None:
    assert (format_count(1_234_567), plural(1, "fork"), plural(2_000, "fork")) == ("1,234,567", "1 fork", "2,000 forks")
    assert [format_number(value) for value in (None, 3.0, 0.12345, 12_345.6)] == ["–", "3", "0.1235", "12,346"]


def test_shortening_keeps_to_its_length() -> None:
    assert shorten("node0 node1", 11) == "node0 node1"
    assert shorten("node0 node1", 7) == "node0…"
