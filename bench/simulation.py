"""The laboratory's speed: full node code at 1,000 and 10,000 nodes, and the propagation model at a million.

Each run is a process of its own, so that its peak memory is its own; set-up (all handshakes) is timed apart from what
follows it.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCENARIOS = Path(__file__).parent.parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost."""

    setup_s: float
    run_s: float
    events: int
    setup_events: int
    blocks: int
    peak_mb: float

    @property
    def text(self) -> str:
        """As the table shows it."""
        return (
            f"seconds {self.run_s:.1f}, set-up {self.setup_s:.1f} s ({self.setup_events:,} events), "
            f"{self.events / self.blocks:,.0f} events/block, {self.events / self.run_s:,.0f} events/s, "
            f"MB {self.peak_mb:.0f}"
        )


def run(scenario: str, *settings: str) -> Run:
    """Run a shipped scenario through the command line."""
    command = [sys.executable, "-m", "minicoin.app", "sim", "run", str(SCENARIOS / scenario), "--json", "--no-progress"]
    for setting in settings:
        command += ["--set", setting]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    result = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {result.get('error')}")
    figures, wall = result["figures"], result["wall"]
    return Run(
        setup_s=wall["setup_s"],
        run_s=wall["run_s"],
        events=figures["events"],
        setup_events=figures["setup_events"],
        blocks=figures["forks"]["blocks"],
        # Linux counts in KiB.
        peak_mb=usage.ru_maxrss / 1024,
    )


def rows() -> list[tuple[str, str]]:
    """One row a run."""
    model = run("million_nodes.toml")
    return [
        ("1,000 nodes x 100 blocks", run("one_thousand.toml").text),
        ("1,000 nodes x 10 blocks, encoded", run("one_thousand.toml", "mining.blocks=10", "encode=true").text),
        ("10,000 nodes x 10 blocks", run("ten_thousand.toml").text),
        (
            "model, 1,000,000 nodes x 1 block",
            f"seconds {model.setup_s + model.run_s:.1f} with set-up, {model.events / model.run_s:,.0f} events/s, "
            f"MB {model.peak_mb:.0f}",
        ),
    ]


if __name__ == "__main__":
    for what, result in rows():
        print(f"{what}: {result}")
