"""Networks that members sign, drawn from a seed, with full nodes: at most f members lie, and lines, computers and
clocks fail meanwhile. Nothing final is undone, all agree when it is over, and no payment waits.

5 seeds with every test run and those that found something, 500 with the long ones.
"""

import pytest
from tests.soak import IS_SOAK

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.rng import Rng
from minicoin.sim.engine.run import run_full
from minicoin.sim.scenario.schema import Scenario

_FOUND = (96, 254, 357)
"""Of the long run: a payment that one node alone still had, a block that who woke with a wrong clock never took, and a
vote that was to be signed behind that of the next round."""
SEEDS = range(1, 501) if IS_SOAK else (*range(1, 6), *_FOUND)
FAULTS = ("loss", "delay-spike", "link-block", "partition", "reset", "crash", "clock-skew", "slow-cpu", "churn")


def draw(seed: int) -> str:
    """A scenario file."""
    rng = Rng(b"signers", str(seed))
    members = rng.choice((4, 5, 7))
    liars = rng.below((members - 1) // 3 + 1)
    groups = [("banks", members - liars, "")]
    if liars:
        groups.append(("liars", liars, f'lies = "{rng.choice(("equivocates", "withholds", "silent"))}"'))
    lines = [
        f'name = "signers-{seed}"\nquestion = "Is nothing final undone?"\n[nodes]\ncount = {members + 2}',
        *(f'[[nodes.group]]\nname = "{name}"\ncount = {count}\nsigns = true\n{lies}' for name, count, lies in groups),
        f'[network]\nproof = "signers"\nspacing_s = {1 + rng.below(4)}.0',
        '[topology]\nsource = "complete"',
        f'[links]\ngeography = "uniform"\nlatency_ms = {5 + rng.below(150)}.0\ntransport = "named"',
        "[mining]\nduration_s = 90.0",
        "[faults.random]\nstart_s = 5.0\nstop_s = 70.0\nduration_s = 8.0\nshare = 0.3\n[faults.random.per_hour]",
        *(f"{kind} = {60 + rng.below(200)}.0" for kind in rng.sample(FAULTS, 4)),
        "[check]\nheal_s = 60.0",
    ]
    if rng.below(2):
        # Each is final in the end, or the checker says so.
        lines.append(f"[transactions]\nrate_per_s = {1 + rng.below(5)}.0\nsenders = {members + 2}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_final_is_undone_and_all_agree_afterwards(seed: int) -> None:
    text = draw(seed)
    record = run_full(Scenario.from_toml(text), seed, ScriptedVerifier(), lambda progress: None)
    assert record.violations == []
    # Whoever loses its disk signs nothing before a later block; with the liars that may be more than a quorum can miss.
    # Whether blocks come where a quorum signs is the checker's to say.
    loses_disks = "crash = " in text or "churn = " in text
    assert sum(block.is_best for block in record.blocks) >= (1 if loses_disks else 5)
