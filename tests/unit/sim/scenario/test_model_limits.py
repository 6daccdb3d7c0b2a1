"""The model reads few keys, and says so of every other."""

import pytest

from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.model_limits import MODEL_KEYS
from minicoin.sim.scenario.problems import ScenarioError, models_of
from minicoin.sim.scenario.schema import Scenario

TOP = 'name = "a"\nquestion = "b"\nengine = "model"\n'
REST = "[nodes]\ncount = 10\n[mining]\nblocks = 3\n[network]\nblock_bytes = 1000\n"

CASES = {
    "fault: the model has no faults": '[[fault]]\nkind = "crash"\nat_s = 1\nnodes = [1]',
    "faults: the model has no faults": "[faults.random]\nper_hour = {crash = 1}",
    "attacker: the model has no attackers": '[[attacker]]\nkind = "sybil"',
    "transactions: the model has no transactions": "[transactions]\nrate_per_s = 1",
    "churn: the model has no churn": "[churn]\nsession_s = 1\nrejoin_s = 1",
    "check: the model has no ledger": "[check]\nconverge = true",
    "warmup: the model has no set-up": "[warmup]\nconnect_s = 5",
    "topology.source: the model has no address books": '[topology]\nsource = "addrman"',
    "links.loss: the model does not read it": "[links]\nloss = 0.1",
    "measure.traffic: the model does not read it": "[measure]\ntraffic = true",
    "nodes.group: the model does not read it; of [nodes] it has count": '[[nodes.group]]\nname = "g"\ncount = 1',
}


@pytest.mark.parametrize("message", CASES)
def test_what_the_model_lacks_is_an_error(message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(TOP + REST + CASES[message], "f.toml")
    assert str(caught.value).startswith(f"f.toml: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[nodes]\ncount = 10\n[mining]\nblocks = 3\n", "network.block_bytes: the model has no transactions"),
        (REST.replace("blocks = 3", "hash_shares = [1]"), "mining.blocks: the model follows blocks"),
        (
            REST.replace("blocks = 3", "blocks = 0"),
            "mining.blocks: the model follows blocks and needs to know how many",
        ),
        (REST.replace("blocks = 3", "blocks = 1_048_576"), "mining.blocks: the model follows at most 1,048,575"),
        (REST + 'relay = "pools-relay"', "network.relay: only topology.source = 'gervais' has pools"),
        (
            REST.replace("count = 10", "count = 40") + 'relay = "pools-relay"\n[topology]\nsource = "gervais"',
            "model.relayed_bytes: pools-relay needs the size",
        ),
        (REST.replace("blocks = 3", "duration_s = 3"), "mining.duration_s: the model does not read it"),
        (REST.replace("blocks = 3", "at = [{time_s = 1, node = 1}]"), "mining.at: the model does not read it"),
    ],
)
def test_what_the_model_needs_is_asked_for(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(TOP + text, "f.toml")
    assert str(caught.value).startswith(f"f.toml: {message}")


def test_model_only_keys_are_taken() -> None:
    text = (
        TOP + REST + '[links]\ndiscipline = "stop-and-wait"\n[model]\nannounce_to = "all"\n'
        '[topology]\nsource = "static"\ndegrees = [3]\n'
    )
    scenario = Scenario.from_toml(text.replace("block_bytes = 1000", 'block_bytes = 1000\nrelay = "all-push"'))
    assert (scenario.links.discipline, scenario.network.relay, scenario.model.announce_to) == (
        "stop-and-wait",
        "all-push",
        "all",
    )


def test_every_key_in_the_list_exists() -> None:
    for table, keys in MODEL_KEYS.items():
        (model,) = models_of(ScenarioForm.model_fields[table].annotation)
        assert set(keys) <= set(model.model_fields)
