import numpy as np

from minicoin.sim.measure.record import ABSENT, NO_PARENT, FaultRecord, TrafficRecord
from minicoin.sim.result.plots_forks import assign_lanes, fork_plots
from minicoin.sim.result.plots_propagation import propagation_plots
from minicoin.sim.result.plots_timeline import timeline_plots
from minicoin.sim.result.plots_traffic import traffic_plots
from minicoin.sim.result.summary import summarize

from .synthetic import INTERVAL_US, block, empty_record, make_record, node


def plots_by_name(plots):
    return {plot.name: plot for plot in plots}


def test_heat_map_rows_are_shares_by_hand() -> None:
    record = empty_record(
        nodes=[node(index) for index in range(5)], blocks=[block(0, 0, [0, 1_000_000, 1_000_000, 2_000_000, ABSENT])]
    )
    heat = plots_by_name(propagation_plots(record, summarize(record)))["propagation-heat"].traces[0]
    by_time = dict(zip(heat["x"], heat["z"][0], strict=True))
    assert {share for time, share in by_time.items() if time < 0.99} == {0}
    assert {share for time, share in by_time.items() if 1.05 < time < 1.99} == {0.667}
    assert heat["z"][0][-1] == 1


def test_times_are_drawn_evenly_unless_a_few_are_far_out() -> None:
    even, far = make_record(nodes=50, blocks=10), make_record(nodes=50, blocks=10)
    for one in far.blocks[:3]:
        one.arrivals[10:] = 2_000_000_000
    plots = plots_by_name(propagation_plots(even, summarize(even)))
    far_plots = plots_by_name(propagation_plots(far, summarize(far)))
    for name in ("propagation-cdf", "propagation-heat"):
        assert plots[name].layout["xaxis"].get("type") is None
        assert far_plots[name].layout["xaxis"]["type"] == "log"
    start, end = far_plots["propagation-cdf"].layout["xaxis"]["range"]
    assert 10**start < 1.0 and 10**end > 2_000


def test_regions_without_a_miner_are_blank() -> None:
    record = empty_record(nodes=[node(0), node(1, region="NA")], blocks=[block(0, 0, [0, 7])])
    regions = plots_by_name(propagation_plots(record, summarize(record)))["regions"].traces[0]
    assert (regions["z"][1], regions["text"][1]) == ([None, None], ["", ""])


def test_long_chains_are_averaged_in_the_heat_map() -> None:
    record = make_record(nodes=20, blocks=500)
    plot = plots_by_name(propagation_plots(record, summarize(record)))["propagation-heat"]
    assert len(plot.traces[0]["z"]) == 120
    assert "mean of about 4 blocks" in plot.caption


def test_one_region_has_no_region_map() -> None:
    record = empty_record(nodes=[node(0), node(1)], blocks=[block(0, 0, [0, 7])])
    assert "regions" not in plots_by_name(propagation_plots(record, summarize(record)))


def test_nothing_to_draw() -> None:
    record = empty_record()
    summary = summarize(record)
    assert propagation_plots(record, summary) == traffic_plots(record, summary) == []
    assert fork_plots(record) == timeline_plots(record) == []


def test_lanes_of_nested_forks_do_not_touch() -> None:
    chain = [
        block(0, 0, [0], parent=NO_PARENT),
        block(1, 0, [0]),
        block(2, 0, [0]),
        block(3, 0, [0], parent=0, height=2, is_best=False),
        block(4, 0, [0], parent=3, height=3, is_best=False),
        block(5, 0, [0], parent=3, height=3, is_best=False),
    ]
    assert assign_lanes(chain) == {0: 0, 1: 0, 2: 0, 3: 1, 4: 1, 5: 2}


def test_fork_tree_of_a_long_chain_keeps_to_its_forks() -> None:
    (plot,) = fork_plots(make_record(nodes=5, blocks=300, fork_every=100))
    edges, gaps, best, stale = plot.traces
    assert len(stale["x"]) == 3
    assert 6 <= len(best["x"]) <= 12
    assert gaps["x"].count(None) == 2
    assert len(edges["x"]) == len(edges["y"])
    assert max(best["x"]) < 20


def test_long_chain_without_a_fork_has_no_tree() -> None:
    assert fork_plots(make_record(nodes=5, blocks=100, fork_every=1_000)) == []


def test_types_are_averaged_over_nodes() -> None:
    record = make_record()
    bars = plots_by_name(traffic_plots(record, summarize(record)))["messages-by-type"].traces[0]
    index = record.traffic.types.index("inv")
    assert dict(zip(bars["y"], bars["x"], strict=True))["inv"] == round(
        float(record.traffic.sent_messages[:, index].mean()), 1
    )


def test_a_model_that_counts_sent_bytes_only() -> None:
    nothing = np.zeros((3, 1), np.int64)
    traffic = TrafficRecord(["all"], nothing, np.array([[5], [9], [1]]), nothing, nothing)
    record = empty_record(traffic=traffic, blocks=[block(0, 0, [0, 1, 2])])
    plots = plots_by_name(traffic_plots(record, summarize(record)))
    assert list(plots) == ["bytes-over-nodes", "hottest-nodes"]
    assert [trace["name"] for trace in plots["bytes-over-nodes"].traces] == ["sent"]


def test_hottest_nodes_add_up() -> None:
    record = make_record()
    summary = summarize(record)
    layers = plots_by_name(traffic_plots(record, summary))["hottest-nodes"].traces
    top = sum(layer["x"][-1] for layer in layers)
    hottest = summary.hottest[0]
    assert np.isclose(top, hottest.sent_bytes + hottest.received_bytes, rtol=1e-4)


def test_timeline_rows_and_ends() -> None:
    record = make_record()
    timeline = plots_by_name(timeline_plots(record))["timeline"]
    rows = {trace["name"]: trace for trace in timeline.traces}
    assert list(rows) == ["partition", "crash", "torn-write", "violations", "tips", "converged"]
    assert rows["crash"]["x"] == [900, 1_080, None, 1_200, record.virtual_us / 1_000_000, None]
    assert rows["torn-write"]["line"] == {"color": "@muted", "width": 2}
    assert rows["converged"]["yaxis"] == "y3"


def test_thousands_of_faults_are_cut_and_said() -> None:
    faults = [FaultRecord("loss", index * 10, index * 10 + 5, [], 1) for index in range(1_500)]
    (timeline,) = timeline_plots(empty_record(faults=faults, virtual_us=10 * INTERVAL_US))
    assert len(timeline.traces[0]["x"]) == 3_000
    assert "first 1000 faults" in timeline.caption
