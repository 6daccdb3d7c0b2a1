from minicoin.sim.measure.record import ABSENT, NEVER, TrafficRecord


def test_marks_of_arrivals_cannot_be_times() -> None:
    assert NEVER < 0 and ABSENT < 0 and NEVER != ABSENT


def test_records_share_no_arrays() -> None:
    one, other = TrafficRecord(), TrafficRecord()
    assert one.types is not other.types
    assert one.sent_bytes is not other.sent_bytes and one.sent_bytes.shape == (0, 0)
