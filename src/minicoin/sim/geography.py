"""Where nodes are and what their lines can do: regions, latencies and bandwidth from named published sources.

Shared by world and model. Latencies are integer microseconds one way, bandwidths bytes per second. Sources: SimBlock
(Banno, Shudo 2019; its tables of 2015 and 2019), Gervais et al. (CCS 2016) with a lognormal fit of their bandwidth
histograms, and `uniform`, one region of equal lines.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final, Literal

from minicoin.sim import draws
from minicoin.sim.draws import Purpose

LatencyLaw = Literal["fixed", "pareto"]
LatencyDrawn = Literal["per_link", "per_message"]

BYTES_PER_MBIT: Final = 125_000
PARETO_SHAPE_PER_MS: Final = 0.2
PARETO_SCALE_LESS_US: Final = 5_000
LATENCY_US_MAX: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class FixedBandwidth:
    """Every node of the region has these rates; 0 is unlimited."""

    down_mbit: float
    up_mbit: float


@dataclass(frozen=True, slots=True)
class LognormalBandwidth:
    """Rates drawn per node, clipped to [low, high] Mbit/s."""

    down_median: float
    down_sigma: float
    up_median: float
    up_sigma: float
    down_clip: tuple[float, float] = (0.1, 500.0)
    up_clip: tuple[float, float] = (0.1, 100.0)


Bandwidth = FixedBandwidth | LognormalBandwidth


@dataclass(frozen=True, slots=True)
class Geography:
    """Regions with their share of the nodes, mean latencies (row = from) and lines, and how a latency is drawn."""

    name: str
    regions: tuple[str, ...]
    shares: tuple[float, ...]
    latency_us: tuple[tuple[int, ...], ...]
    bandwidth: tuple[Bandwidth, ...]
    latency_law: LatencyLaw = "pareto"
    latency_drawn: LatencyDrawn = "per_message"

    def __post_init__(self) -> None:
        count = len(self.regions)
        if not (count == len(self.shares) == len(self.latency_us) == len(self.bandwidth)):
            raise ValueError(f"geography {self.name}: shares, latencies and bandwidth must cover {count} regions")
        if any(len(row) != count for row in self.latency_us):
            raise ValueError(f"geography {self.name}: the latency matrix must be {count} by {count}")
        low = min(min(row) for row in self.latency_us)
        if self.latency_law == "pareto" and low <= PARETO_SCALE_LESS_US:
            raise ValueError(f"geography {self.name}: a Pareto latency needs a mean above 5 ms, not {low} us")

    def with_latency(self, law: LatencyLaw, drawn: LatencyDrawn) -> "Geography":
        """The same places with another distribution of latencies."""
        return replace(self, latency_law=law, latency_drawn=drawn)


@dataclass(frozen=True, slots=True)
class NodeLines:
    """Region index and rates (bytes per second, 0 unlimited) of every node."""

    region: tuple[int, ...]
    down: tuple[int, ...]
    up: tuple[int, ...]


def bytes_per_second(mbit: float) -> int:
    """A rate in the simulator's unit. 0 is unlimited and stays so; no other rate becomes 0 by rounding."""
    return max(1, round(mbit * BYTES_PER_MBIT)) if mbit else 0


def node_lines(geography: Geography, nodes: int, seed: int) -> NodeLines:
    """Place `nodes` nodes: shares are met exactly (to rounding), who is where is drawn."""
    region = node_regions(geography, nodes, seed)
    down_key, up_key = draws.draw_key(seed, Purpose.BANDWIDTH_DOWN), draws.draw_key(seed, Purpose.BANDWIDTH_UP)
    down, up = [], []
    for node, place in enumerate(region):
        rates = node_rates(geography.bandwidth[place], draws.word(down_key, node), draws.word(up_key, node))
        down.append(rates[0])
        up.append(rates[1])
    return NodeLines(tuple(region), tuple(down), tuple(up))


def node_rates(bandwidth: Bandwidth, down_bits: int, up_bits: int) -> tuple[int, int]:
    """(down, up) in bytes per second for one node."""
    if isinstance(bandwidth, FixedBandwidth):
        return bytes_per_second(bandwidth.down_mbit), bytes_per_second(bandwidth.up_mbit)
    down = draws.lognormal(draws.uniform(down_bits), bandwidth.down_median, bandwidth.down_sigma)
    up = draws.lognormal(draws.uniform(up_bits), bandwidth.up_median, bandwidth.up_sigma)
    return _clipped(down, bandwidth.down_clip), _clipped(up, bandwidth.up_clip)


def _clipped(mbit: float, clip: tuple[float, float]) -> int:
    return bytes_per_second(min(max(mbit, clip[0]), clip[1]))


def node_regions(geography: Geography, nodes: int, seed: int) -> list[int]:
    """The region index of each node."""
    bounds = region_bounds(geography, nodes)
    key = draws.draw_key(seed, Purpose.REGION)
    order = sorted(range(nodes), key=lambda node: (draws.word(key, node), node))
    region = [0] * nodes
    for rank, node in enumerate(order):
        region[node] = bisect_right(bounds, rank)
    return region


def region_bounds(geography: Geography, nodes: int) -> list[int]:
    """How many nodes lie in the regions up to each one."""
    edges = list(accumulate(geography.shares))
    return [round(edge / edges[-1] * nodes) for edge in edges]


class Latencies:
    """One-way latencies between nodes of known regions; `number` matters only where they are drawn per message."""

    __slots__ = ("_key", "_law", "_mean", "_per_message", "_region")

    def __init__(self, geography: Geography, region: Sequence[int], seed: int) -> None:
        self._key = draws.draw_key(seed, Purpose.LATENCY)
        self._law = geography.latency_law
        self._mean = geography.latency_us
        self._per_message = geography.latency_drawn == "per_message"
        self._region = region

    def between(self, sender: int, receiver: int, number: int = 0) -> int:
        """Microseconds from sender to receiver for the sender's message of that number; a link is equal both ways."""
        mean = self._mean[self._region[sender]][self._region[receiver]]
        if self._law == "fixed":
            return mean
        if self._per_message:
            bits = draws.word(self._key, sender, receiver, number + 1)
        elif sender < receiver:
            bits = draws.word(self._key, sender, receiver)
        else:
            bits = draws.word(self._key, receiver, sender)
        return pareto_latency_us(mean, draws.uniform(bits))


def pareto_latency_us(mean_us: int, u: float) -> int:
    """SimBlock's and Gervais' law: shape mean/5 ms, scale mean - 5 ms; capped at a minute, the tail being heavy."""
    drawn = draws.pareto(u, PARETO_SHAPE_PER_MS * (mean_us / 1000.0), float(mean_us - PARETO_SCALE_LESS_US))
    return int(min(drawn, float(LATENCY_US_MAX)))


def uniform(latency_us: int, down_mbit: float, up_mbit: float) -> Geography:
    """One region, fixed latency."""
    lines = (FixedBandwidth(down_mbit, up_mbit),)
    return Geography("uniform", ("all",), (1.0,), ((latency_us,),), lines, "fixed", "per_link")


def named(source: str) -> Geography:
    """The published geography of that name."""
    if source not in GEOGRAPHIES:
        raise ValueError(f"unknown geography {source!r}: choose one of {', '.join(GEOGRAPHIES)}, or uniform")
    return GEOGRAPHIES[source]


def _matrix(rows: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(1000 * int(ms) for ms in row.split()) for row in rows.split("|"))


def _fixed(down: Sequence[float], up: Sequence[float]) -> tuple[Bandwidth, ...]:
    return tuple(FixedBandwidth(*rates) for rates in zip(down, up, strict=True))


_REGIONS: Final = ("NA", "EU", "SA", "AP", "JP", "AU")
_SHARES_2015: Final = (0.3869, 0.5159, 0.0113, 0.0574, 0.0119, 0.0166)
_LATENCY_2015: Final = _matrix(
    "36 119 255 310 154 208 | 119 12 221 242 266 350 | 255 221 137 347 256 269"
    " | 310 242 347 99 172 278 | 154 266 256 172 9 163 | 208 350 269 278 163 22"
)
_LATENCY_2019: Final = _matrix(
    "32 124 184 198 151 189 | 124 11 227 237 252 294 | 184 227 88 325 301 322"
    " | 198 237 325 85 58 198 | 151 252 301 58 12 126 | 189 294 322 198 126 16"
)

GEOGRAPHIES: Final[dict[str, Geography]] = {
    "simblock-2015": Geography(
        "simblock-2015",
        _REGIONS,
        _SHARES_2015,
        _LATENCY_2015,
        _fixed((25, 24, 6.5, 10, 17.5, 14), (4.7, 8.1, 1.8, 5.3, 3.4, 5.2)),
    ),
    "simblock-2019": Geography(
        "simblock-2019",
        _REGIONS,
        (0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195),
        _LATENCY_2019,
        _fixed((52, 40, 18, 22.8, 22.8, 29.9), (19.2, 20.7, 5.8, 15.7, 10.2, 11.3)),
    ),
    "gervais-2016": Geography(
        "gervais-2016",
        _REGIONS,
        _SHARES_2015,
        _LATENCY_2015,
        (
            LognormalBandwidth(8.5, 1.70, 1.99, 1.38),
            LognormalBandwidth(9.4, 1.55, 3.22, 1.56),
            LognormalBandwidth(2.5, 1.49, 0.85, 1.27),
            LognormalBandwidth(3.8, 1.51, 1.92, 1.70),
            LognormalBandwidth(4.8, 2.05, 1.76, 1.29),
            LognormalBandwidth(4.7, 1.64, 1.81, 1.61),
        ),
        "pareto",
        "per_link",
    ),
}
