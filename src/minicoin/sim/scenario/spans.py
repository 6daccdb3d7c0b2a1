"""When mining is over at the latest, and what a scenario lets begin when: so that nothing is set for a time that no run
reaches.

With `blocks` the end is drawn: the sum of so many exponential times. It is taken to lie below what one run in a
thousand million exceeds (Laurent and Massart's bound for gamma variables); what begins between the mean and that bound
may find mining over, and the record of such a run says so.
"""

import math
from collections.abc import Iterator
from typing import Final

from minicoin.sim.scenario.form import ScenarioForm

# e^-21 is below 10^-9.
_UNLIKELY: Final = 21.0


def latest_end_s(form: ScenarioForm) -> float:
    """No run mines longer than that. Infinite where the file does not say how mining ends."""
    mining = form.mining
    ends = [mining.duration_s] if mining.duration_s is not None else []
    if mining.at:
        ends.append(max(block.time_s for block in mining.at))
    elif mining.blocks is not None:
        blocks = mining.blocks
        most = blocks + math.sqrt(2 * _UNLIKELY * blocks) + _UNLIKELY if blocks else 0.0
        ends.append(mining.start_s + most * form.network.spacing_s)
    return min(ends, default=math.inf)


def beginnings(form: ScenarioForm) -> Iterator[tuple[str, float]]:
    """(key, time) of all that begins at a time of its own."""
    for place, fault in enumerate(form.fault):
        yield f"fault[{place}].at_s", fault.at_s
    for place, attacker in enumerate(form.attacker):
        yield f"attacker[{place}].at_s", attacker.at_s
    for name, part in (
        ("transactions", form.transactions),
        ("records", form.records),
        ("letters", form.letters),
        ("searches", form.searches),
        ("churn", form.churn),
        ("faults.random", form.faults.random),
    ):
        if part is not None:
            yield f"{name}.start_s", part.start_s
