"""Faults at random times: what one of a kind looks like when chance writes it. Equal draws give equal faults."""

from typing import Final

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim.scenario import faults as written
from minicoin.sim.scenario.fault_rates import FaultKind, RandomFaults
from minicoin.sim.scenario.fields import Version

_LEAST_S: Final = 0.1
_OLD_VERSIONS: Final[tuple[Version, ...]] = ("before-wtxidrelay", "before-sendheaders")
_RESTART_MAX_S: Final = 20


def draw_fault(kind: FaultKind, at_s: float, until_s: float, nodes: tuple[int, ...], rng: Rng) -> written.Fault:
    """A fault of `nodes` from `at_s` on; those that last end at `until_s`."""
    base: dict[str, object] = {"kind": kind, "at_s": at_s}
    if kind not in ("partition", "link-loss"):
        base["nodes"] = nodes
    lasting = {**base, "until_s": until_s}
    restart_s = 1.0 + rng.below(_RESTART_MAX_S)
    with_disk = rng.uniform() < 0.7
    match kind:
        case "loss":
            return written.Loss.model_validate({**lasting, "probability": _between(rng, 0.02, 0.5)})
        case "duplicate":
            return written.Duplicate.model_validate({**lasting, "probability": _between(rng, 0.05, 0.5)})
        case "reorder":
            extra = {"probability": _between(rng, 0.05, 0.5), "by_ms": _between(rng, 10, 2_000)}
            return written.Reorder.model_validate({**lasting, **extra})
        case "delay-spike":
            return written.DelaySpike.model_validate({**lasting, "add_ms": _between(rng, 50, 3_000)})
        case "bandwidth-cap":
            rate = _between(rng, 0.05, 1.0)
            return written.BandwidthCap.model_validate({**lasting, "up_mbit": rate, "down_mbit": rate})
        case "link-block":
            return written.LinkBlock.model_validate({**lasting, "one_way": rng.uniform() < 0.5})
        case "partition":
            cut = "silent" if rng.uniform() < 0.7 else "reset"
            extra_parts = {"groups": [nodes, "rest"], "one_way": rng.uniform() < 0.3, "cut": cut}
            return written.Partition.model_validate({**lasting, **extra_parts})
        case "link-loss":
            return written.LinkLoss.model_validate({**lasting, "share": _between(rng, 0.05, 0.5)})
        case "clog":
            order = "shuffled" if rng.uniform() < 0.5 else "fifo"
            return written.Clog.model_validate({**lasting, "order": order})
        case "half-open":
            return written.HalfOpenLinks.model_validate({**base, "count": 1 + rng.below(3)})
        case "reset":
            return written.Reset.model_validate({**base, "count": 1 + rng.below(3)})
        case "fragmented-read":
            return written.FragmentedRead.model_validate({**lasting, "max_bytes": 1 + rng.below(30)})
        case "flipped-byte":
            return written.FlippedByte.model_validate({**lasting, "probability": _between(rng, 0.01, 0.2)})
        case "crash":
            return written.Crash.model_validate({**base, "with_disk": with_disk, "restart_after_s": restart_s})
        case "torn-write":
            damage = "torn" if rng.uniform() < 0.5 else "truncated"
            return written.TornWrite.model_validate({**base, "damage": damage, "restart_after_s": restart_s})
        case "full-disk":
            return written.FullDisk.model_validate(lasting)
        case "clock-skew":
            drift_ppm = _between(rng, 0, 50_000) if rng.uniform() < 0.5 else 0.0
            offset_s = _signed(rng, 1, 3_000)
            return written.ClockSkew.model_validate({**lasting, "offset_s": offset_s, "drift_ppm": drift_ppm})
        case "clock-jump":
            return written.ClockJump.model_validate({**base, "by_s": _signed(rng, 1, 3_000)})
        case "slow-cpu":
            return written.SlowCpu.model_validate({**lasting, "factor": _between(rng, 2, 50)})
        case "churn":
            means = {"session_s": _between(rng, 2, 20), "rejoin_s": _between(rng, 1, 15), "with_disk": with_disk}
            return written.ChurnSpell.model_validate({**lasting, **means})
        case "version-skew":
            return written.VersionSkew.model_validate({**base, "version": rng.choice(_OLD_VERSIONS)})
        case "node-loss":
            return written.NodeLoss.model_validate({**lasting, "with_disk": with_disk})


def plan_random(chosen: RandomFaults, nodes: int, ends_s: float, rng: Rng) -> list[written.Fault]:
    """All random faults of a run that mines until `ends_s`, by kind and then by time."""
    stop_s = ends_s if chosen.stop_s is None else min(chosen.stop_s, ends_s)
    planned: list[written.Fault] = []
    for kind in sorted(chosen.per_hour):
        mean_us = round(3_600 * SECOND_US / chosen.per_hour[kind])
        at_s = chosen.start_s + rng.exponential_us(mean_us) / SECOND_US
        while at_s < stop_s:
            most = max(1, int(chosen.share * nodes))
            struck = tuple(sorted(rng.sample(range(nodes), 1 + rng.below(most))))
            lasts_s = max(_LEAST_S, rng.exponential_us(round(chosen.duration_s * SECOND_US)) / SECOND_US)
            planned.append(draw_fault(kind, at_s, at_s + lasts_s, struck, rng))
            at_s += rng.exponential_us(mean_us) / SECOND_US
    return planned


def _between(rng: Rng, low: float, high: float) -> float:
    return round(low + (high - low) * rng.uniform(), 3)


def _signed(rng: Rng, low: float, high: float) -> float:
    found = _between(rng, low, high)
    return found if rng.uniform() < 0.5 else -found
