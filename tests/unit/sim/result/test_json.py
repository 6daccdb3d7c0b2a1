import json

from minicoin.sim.result.json import json_text, to_json, write_json

from .synthetic import empty_record, make_record


def test_equal_runs_have_equal_digests_on_any_machine() -> None:
    fast, slow = make_record(), make_record()
    slow.run_wall_s, slow.python_version = 99.0, "3.13.0"
    one, other = to_json(fast), to_json(slow)
    assert one["figures_digest"] == other["figures_digest"]
    assert list(one) == list(other)
    assert {key for key in one if one[key] != other[key]} == {"environment", "wall"}


def test_another_arrival_is_another_digest() -> None:
    one, other = make_record(), make_record()
    other.blocks[3].arrivals[5] += 1_000_000
    assert to_json(one)["figures_digest"] != to_json(other)["figures_digest"]


def test_text_is_json_and_holds_what_identifies_the_run(tmp_path) -> None:
    record = make_record()
    write_json(record, tmp_path / "result.json")
    found = json.loads((tmp_path / "result.json").read_text())
    assert found == json.loads(json_text(to_json(record)))
    assert (found["digest"], found["engine"], found["seed"], found["replay"]) == (
        record.digest,
        "full",
        41,
        "minicoin sim run scenarios/synthetic.toml --seed 41",
    )
    assert found["wall"] == {"setup_s": 0.5, "run_s": 2.0, "events_per_s": 25_200, "virtual_per_wall": 1200.0}
    assert found["violations"][0]["nodes"] == [3, 4]
    assert found["figures"]["forks"]["stale"] == 4


def test_an_empty_record_is_a_result_too() -> None:
    found = json.loads(json_text(to_json(empty_record(run_wall_s=0.0))))
    assert found["wall"]["events_per_s"] is None
    assert found["figures"]["blocks"]["pooled"] is None
