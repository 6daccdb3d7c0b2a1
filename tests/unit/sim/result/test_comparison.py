"""Two runs read side by side: where they part, how many events were equal before, and what people are told."""

from collections.abc import Iterator

from minicoin.sim.result.comparison import compare

RUN = ["1000000 0 deadline\n", "1500000 3 connection 1: headers ab12\n", "digest 77\n"]


def test_equal_runs_have_a_digest_and_a_count_of_events() -> None:
    outcome = compare(RUN, list(RUN))
    assert outcome.is_equal
    assert (outcome.events, outcome.digest) == (2, "77")
    assert (outcome.first, outcome.second) == ("", "")


def test_the_first_event_that_differs_is_named_with_time_node_and_what() -> None:
    other = [RUN[0], "1500001 3 connection 1: inv ab12\n", "digest 78\n"]
    outcome = compare(RUN, other)
    assert not outcome.is_equal
    assert outcome.events == 1
    assert outcome.digest == ""
    assert outcome.first == "at 1.500000 s, node 3: connection 1: headers ab12"
    assert outcome.second == "at 1.500001 s, node 3: connection 1: inv ab12"


def test_a_run_that_ends_before_the_other() -> None:
    outcome = compare(RUN[:1], RUN)
    assert not outcome.is_equal
    assert outcome.first == "nothing: the run had ended"
    assert outcome.second.startswith("at 1.500000 s, node 3")
    outcome = compare(RUN, RUN[:1])
    assert outcome.second == "nothing: the run had ended"


def test_one_has_ended_where_the_other_goes_on() -> None:
    outcome = compare([RUN[0], "digest 77\n"], RUN)
    assert outcome.first == "digest 77"
    assert outcome.events == 1


def test_two_that_end_alike_before_their_digest_are_equal_and_have_none() -> None:
    outcome = compare(RUN[:2], RUN[:2])
    assert outcome.is_equal
    assert outcome.digest == ""


def test_digests_alone_may_differ() -> None:
    outcome = compare(RUN, [*RUN[:2], "digest 78\n"])
    assert not outcome.is_equal
    assert (outcome.first, outcome.second) == ("digest 77", "digest 78")


def test_long_events_are_cut() -> None:
    outcome = compare(["5 1 " + "a" * 5_000 + "\n"], ["5 1 b\n"])
    assert len(outcome.first) < 500
    assert outcome.first.endswith("…")


def test_nothing_is_read_behind_the_difference() -> None:
    def endless() -> Iterator[str]:
        yield "1 0 here\n"
        raise AssertionError("read further than needed")

    assert compare(["1 0 there\n"], endless()).events == 0
