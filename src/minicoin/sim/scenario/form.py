"""All keys of a scenario file in one value. schema.Scenario adds reading, checks between keys, and identity."""

from typing import Annotated

from pydantic import Field

from minicoin.sim.scenario.attackers import Attacker
from minicoin.sim.scenario.fault_rates import Faults
from minicoin.sim.scenario.faults import Fault
from minicoin.sim.scenario.fields import Engine, Name, SettingsTable
from minicoin.sim.scenario.load import Churn, Errands, Mining, Records, Transactions, Verification
from minicoin.sim.scenario.looking import Check, Measure, Model, Warmup
from minicoin.sim.scenario.seeds import Seeds
from minicoin.sim.scenario.setting import Links, NetworkRules, Nodes, TopologySetting


class ScenarioForm(SettingsTable):
    """The top level of a scenario file. Times count from the end of set-up."""

    name: Name
    """Short name: lower-case letters, digits and hyphens."""
    question: Annotated[str, Field(min_length=1, max_length=500)]
    """One sentence: what this scenario answers."""
    description: Annotated[str, Field(max_length=10_000)] = ""
    """More for people."""
    engine: Engine = "full"
    """full: real node code; model: the propagation model, for which only some keys exist."""
    seeds: Seeds = (1,)
    """Seeds of the runs: a list, or a range as text ("1..20")."""
    nodes: Nodes
    network: NetworkRules = NetworkRules()
    topology: TopologySetting = TopologySetting()
    links: Links = Links()
    mining: Mining
    verification: Verification = Verification()
    transactions: Transactions | None = None
    records: Records | None = None
    letters: Errands | None = None
    searches: Errands | None = None
    churn: Churn | None = None
    fault: tuple[Fault, ...] = ()
    faults: Faults = Faults()
    attacker: tuple[Attacker, ...] = ()
    model: Model = Model()
    warmup: Warmup = Warmup()
    measure: Measure = Measure()
    check: Check = Check()
    compare: dict[Name, tuple[Annotated[str, Field(max_length=500)], ...]] = Field(default={})
    """For `minicoin sim compare`: network model -> settings that it needs besides, each written as --set takes it. A
    run of this file alone does not read it."""
