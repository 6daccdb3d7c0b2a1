"""A result as one JSON object.

`digest` is the trace digest of the run, `figures_digest` one over `figures`; both are equal for equal runs. What
differs from machine to machine stands under `environment` and `wall` and is in neither.
"""

import hashlib
import json
from pathlib import Path

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import Json, RunRecord
from minicoin.sim.result.summary import Summary, figures_json, summarize


def to_json(record: RunRecord, summary: Summary | None = None) -> dict[str, Json]:
    """The result with a fixed order of keys."""
    figures = figures_json(summary or summarize(record))
    return {
        "digest": record.digest,
        "engine": record.engine,
        "scenario": record.scenario,
        "scenario_hash": record.scenario_hash,
        "seed": record.seed,
        "question": record.question,
        "replay": record.replay,
        "figures": figures,
        "figures_digest": _digest(figures),
        "faults": [
            {
                "kind": fault.kind,
                "started_us": fault.started_us,
                "ended_us": fault.ended_us,
                "targets": fault.targets,
                "fired": fault.fired,
            }
            for fault in record.faults
        ],
        "violations": [
            {"checker": found.checker, "at_us": found.at_us, "nodes": found.nodes, "text": found.text}
            for found in record.violations
        ],
        "interrupted": record.interrupted or None,
        "notes": record.notes,
        "assumptions": record.assumptions,
        "canonical": record.canonical,
        "environment": {"python": record.python_version, "minicoin": record.minicoin_version},
        "wall": wall_json(record),
    }


def wall_json(record: RunRecord) -> dict[str, Json]:
    """How fast this machine was."""
    has_run = record.run_wall_s > 0
    return {
        "setup_s": round(record.setup_wall_s, 3),
        "run_s": round(record.run_wall_s, 3),
        "events_per_s": round(record.event_count / record.run_wall_s) if has_run else None,
        "virtual_per_wall": round(record.virtual_us / SECOND_US / record.run_wall_s, 3) if has_run else None,
    }


def json_text(result: Json) -> str:
    """For people and programs alike: indented, ASCII, no NaN."""
    return json.dumps(result, indent=2, allow_nan=False)


def write_json(record: RunRecord, file: Path) -> None:
    """The result into a file."""
    file.write_text(json_text(to_json(record)) + "\n", encoding="utf-8")


def _digest(figures: Json) -> str:
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
