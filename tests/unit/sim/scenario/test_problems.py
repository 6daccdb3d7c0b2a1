"""What a writer of scenarios is told: the key, what is wrong with it, what is allowed, what may have been meant."""

import pytest

from minicoin.sim.scenario.problems import ScenarioError, near_misses
from minicoin.sim.scenario.schema import Scenario

HEAD = 'name = "a"\nquestion = "b"\n'
BASE = HEAD + "[nodes]\ncount = 10\n[mining]\nblocks = 3\n"
FAULT = BASE + "[[fault]]\n"

CASES = {
    "misspelt key": (BASE + "[network]\nblok_bytes = 3", "network.blok_bytes: no such key; did you mean block_bytes?"),
    "forgotten unit": (BASE + "[network]\nspacing = 3", "network.spacing: no such key; did you mean spacing_s?"),
    "wrong unit": (BASE + "[network]\nspacing_ms = 3", "network.spacing_ms: no such key; did you mean spacing_s?"),
    "other table": (BASE + "[links]\noutbound = 3", "links.outbound: no such key here; it is topology.outbound"),
    "nothing near": (
        BASE + "[warmup]\nxyz = 3",
        "warmup.xyz: no such key; allowed are connect_s",
    ),
    "key like a type": (BASE + "[warmup]\nint = 3", "warmup.int: no such key; allowed are connect_s"),
    "key beginning like a type": (BASE + "[warmup]\nstringy = 3", "warmup.stringy: no such key; allowed are connect_s"),
    "misspelt table": (BASE + "[minning]\nblocks = 3", "minning: no such key; did you mean mining?"),
    "missing table": (HEAD + "[nodes]\ncount = 3", "mining: is required"),
    "missing key": (BASE + "[churn]\nsession_s = 3", "churn.rejoin_s: is required (mean time that a node is away"),
    "misspelt word": (
        BASE + '[links]\ngeography = "simblok-2015"',
        "links.geography: 'simblok-2015' is unknown; did you mean simblock-2015 or simblock-2019? (allowed are ",
    ),
    "unknown word": (BASE + '[links]\nlatency = "x"', "links.latency: 'x' is unknown (allowed are fixed, pareto)"),
    "text for a number": (BASE + '[links]\nloss = "3"', "links.loss: should be a valid number, not '3'"),
    "switch for a number": (BASE + "[links]\nup_mbit = true", "links.up_mbit: should be a valid number, not True"),
    "number for a switch": (BASE + "[measure]\ntraffic = 1", "measure.traffic: should be a valid boolean, not 1"),
    "fraction of a node": (
        HEAD + "[nodes]\ncount = 1.5\n[mining]\nblocks = 1",
        "nodes.count: should be a valid integer",
    ),
    "share above one": (BASE + "[links]\nloss = 1.5", "links.loss: should be less than or equal to 1, not 1.5"),
    "negative time": (BASE + "[check]\nheal_s = -1.0", "check.heal_s: should be greater than or equal to 0, not -1.0"),
    "endless time": (BASE + "[check]\nheal_s = inf", "check.heal_s: should be"),
    "number for a table": (HEAD + "nodes = 3\n[mining]\nblocks = 3", "nodes: must be a table of keys, not 3"),
    "table for a list": (
        BASE + '[fault]\nkind = "loss"',
        "fault: is a list of tables: write [[fault]] instead of [fault]",
    ),
    "number for a list": (BASE + "[topology]\ndegrees = 3", "topology.degrees: must be a list, not 3"),
    "word for a list or word": (
        HEAD + '[nodes]\ncount = 3\n[mining]\nblocks = 1\nhash_shares = "equl"',
        "mining.hash_shares: 'equl' is unknown; did you mean equal? (allowed are equal, gervais, groups)",
    ),
    "list for a list or word": (
        HEAD + '[nodes]\ncount = 3\n[mining]\nblocks = 1\nhash_shares = [1, "x"]',
        "mining.hash_shares[1]: should be a valid number, not 'x'",
    ),
    "misspelt kind": (
        FAULT + 'kind = "los"\nat_s = 3',
        "fault[0].kind: 'los' is unknown; did you mean loss? (allowed are ",
    ),
    "no kind": (FAULT + "at_s = 3", "fault[0].kind: is required; it says which of them this is"),
    "key of a kind": (
        FAULT + 'kind = "loss"\nat_s = 3\nprobability = 0.5\nnods = [1]',
        "fault[0].nods: no such key; did you mean nodes?",
    ),
    "missing key of a kind": (FAULT + 'kind = "loss"\nat_s = 3', "fault[0].probability: is required (of each message)"),
    "misspelt rate": (
        BASE + "[faults.random.per_hour]\ncrsh = 3",
        "faults.random.per_hour.crsh: 'crsh' is unknown; did you mean crash? (allowed are ",
    ),
    "rate of nothing": (
        BASE + "[faults.random.per_hour]\ncrash = 0",
        "faults.random.per_hour.crash: should be greater than or equal to 0.000001, not 0",
    ),
    "attacker": (
        BASE + '[[attacker]]\nkind = "eclypse"',
        "attacker[0].kind: 'eclypse' is unknown; did you mean eclipse?",
    ),
    "name": ('name = "A b"\n' + BASE.removeprefix('name = "a"\n'), "name: "),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named(case: str) -> None:
    text, message = CASES[case]
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(text, "f.toml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"f.toml: {message}")


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(HEAD + "nodes = 1\n[network]\nspacing = 3\nblock_bytes = -1\n", "f.toml")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "nodes",
        "network.block_bytes",
        "network.spacing",
        "mining",
    ]


def test_near_misses_prefer_the_same_word_with_a_unit() -> None:
    assert near_misses("until", ["until_s", "nodes"]) == ["until_s"]
    assert near_misses("rate_per_h", ["rate_per_s", "at_s"]) == ["rate_per_s"]
    assert near_misses("qqq", ["until_s", "nodes"]) == []
