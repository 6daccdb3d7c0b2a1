"""What engine = "model" can express, and what it says of the rest: nothing in a scenario is ignored in silence.

A key that the model does not read is a mistake where it is written, whatever its value.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from minicoin.sim.scenario.fields import MODEL_BLOCKS_MAX
from minicoin.sim.scenario.form import ScenarioForm
from minicoin.sim.scenario.problems import KeyProblem

MODEL_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "nodes": ("count",),
        "network": ("spacing_s", "block_bytes", "relay"),
        "topology": ("source", "outbound", "degrees"),
        "links": (
            *("geography", "latency", "latency_drawn", "latency_ms", "up_mbit", "down_mbit"),
            *("discipline", "control_ms"),
        ),
        "mining": ("blocks", "miners", "hash_shares", "settle_s"),
        "verification": ("block_base_ms", "block_us_per_kb"),
        "measure": ("propagation",),
    }
)
"""Table -> the keys of it that the model reads. settle_s is always met: it follows each block to its end."""

# Tables that the model has nothing of, with the sentence that says so.
_NO_SUCH: Final = {
    "transactions": "the model has no transactions, only blocks",
    "records": "the model has no records, only blocks",
    "letters": "the model's nodes have no peer ids",
    "searches": "the model's nodes have no peer ids",
    "churn": "the model has no churn: its nodes are there all the time",
    "fault": "the model has no faults",
    "faults": "the model has no faults",
    "attacker": "the model has no attackers",
    "warmup": "the model has no set-up: its network is connected from the start",
    "check": "the model has no ledger that could be checked",
}


def check_model(form: ScenarioForm) -> None:
    """Raises KeyProblem for the first key that is written and that the model does not read."""
    for table in sorted(form.model_fields_set & _NO_SUCH.keys()):
        raise KeyProblem(table, f"{_NO_SUCH[table]}; remove it or use engine = 'full'")
    if form.topology.source == "addrman":
        raise KeyProblem("topology.source", "the model has no address books; choose another source than addrman")
    for table, keys in MODEL_KEYS.items():
        for key in sorted(getattr(form, table).model_fields_set):
            if key not in keys:
                raise KeyProblem(f"{table}.{key}", f"the model does not read it; of [{table}] it has {', '.join(keys)}")
    if form.network.block_bytes == 0:
        raise KeyProblem("network.block_bytes", "the model has no transactions: say how large its blocks are")
    if form.network.relay == "pools-relay":
        if form.topology.source != "gervais":
            raise KeyProblem("network.relay", "only topology.source = 'gervais' has pools to relay between")
        if form.model.relayed_bytes == 0:
            raise KeyProblem("model.relayed_bytes", "pools-relay needs the size of a compressed block")
    if not form.mining.blocks:
        raise KeyProblem("mining.blocks", "the model follows blocks and needs to know how many: at least 1")
    if form.mining.blocks > MODEL_BLOCKS_MAX:
        raise KeyProblem("mining.blocks", f"the model follows at most {MODEL_BLOCKS_MAX:,} blocks")
