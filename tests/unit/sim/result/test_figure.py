import numpy as np

from minicoin.sim.result.figure import numbers, seconds, thin


def test_numbers_are_short_and_json() -> None:
    assert numbers(np.array([1 / 3, np.nan, 12_345_678.0])) == [0.333333, None, 12_345_700.0]
    assert seconds(np.array([1_500_000])) == [1.5]


def test_thinning_keeps_peaks_and_order() -> None:
    times = np.arange(10_000, dtype=np.int64)
    values = np.zeros(10_000)
    values[4_321], values[7_777] = 9.0, -5.0
    kept_times, kept = thin(times, values, 100)
    assert len(kept) <= 100
    assert kept_times[kept.argmax()] == 4_321 and kept_times[kept.argmin()] == 7_777
    assert np.all(np.diff(kept_times) > 0)


def test_short_series_stay_as_they_are() -> None:
    times, values = np.arange(5, dtype=np.int64), np.ones(5)
    assert thin(times, values, 5)[0] is times
