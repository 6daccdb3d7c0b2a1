"""`minicoin lab up` as a user calls it, with a network model of his choice."""

import json
from pathlib import Path

from minicoin.app.networks import read_network

from .processes import run


def test_a_lab_of_a_chosen_model_pays_and_says_who_has_which_role(tmp_path: Path) -> None:
    said = run(f"minicoin lab up 3 --overlay everybody --datadir {tmp_path} --json", "regtest")
    told = json.loads(said)
    assert [node["role"] for node in told["nodes"]] == ["member", "member", "member"]
    assert {node["tip"] for node in told["nodes"]} == {told["block"]}
    assert read_network(tmp_path / "network.toml").overlay == "everybody"
