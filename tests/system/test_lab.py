"""`minicoin lab up` as a user calls it, with a network model of his choice."""

import json
from pathlib import Path

from minicoin.app.networks import read_network

from .processes import run


def test_a_lab_of_a_chosen_model_pays_and_says_who_has_which_role(tmp_path: Path) -> None:
    said = run(f"minicoin lab up 4 --overlay supernode --overlay-setting parents=1 --datadir {tmp_path} --json", "main")
    told = json.loads(said)
    # As the nodes themselves say.
    assert [node["role"] for node in told["nodes"]] == ["super", "super", "leaf", "leaf"]
    assert {node["tip"] for node in told["nodes"]} == {told["block"]}
    network = read_network(tmp_path / "network.toml")
    assert (network.overlay, dict(network.overlay_settings)["parents"]) == ("supernode", 1)
