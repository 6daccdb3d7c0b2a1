"""The fork tree, drawn from parents: the whole chain when it is short, else the surroundings of its forks."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import NO_PARENT, BlockRecord, Json, RunRecord
from minicoin.sim.result.figure import ACCENT, MUTED, WARN, Plot, Trace, axis
from minicoin.sim.result.forks import Fork, find_forks

_HEIGHTS_MAX = 60
_FORKS_SHOWN = 12
_AROUND = 1
"""Heights of the best chain that are drawn before and after a fork."""


def fork_plots(record: RunRecord) -> list[Plot]:
    """The tree, or nothing when there are no blocks to draw."""
    forks = find_forks(record.blocks)
    heights = sorted({block.height for block in record.blocks})
    if not heights or (len(heights) > _HEIGHTS_MAX and not forks):
        return []
    shown, caption = heights, "Heights from left to right; the best chain lies in the lowest row."
    if len(heights) > _HEIGHTS_MAX:
        chosen = _deepest(forks)
        shown = _around(record.blocks, chosen)
        caption += (
            f" Only around the forks ({len(chosen)} of {len(forks)}, deepest first); dots stand for what is left out."
        )
    position = _places(shown)
    drawn = [block for block in record.blocks if block.height in position]
    lanes = assign_lanes(record.blocks)
    return [
        Plot(
            "fork-tree",
            "Fork tree",
            caption,
            [
                _edges(drawn, position, lanes),
                _gaps(shown, position),
                _marks(record, [block for block in drawn if block.is_best], position, lanes, "best chain", ACCENT),
                _marks(record, [block for block in drawn if not block.is_best], position, lanes, "stale", WARN),
            ],
            {
                "xaxis": axis(
                    "height",
                    tickvals=list(position.values())[:: _tick_step(len(position))],
                    ticktext=[str(height) for height in position][:: _tick_step(len(position))],
                    showgrid=False,
                    zeroline=False,
                ),
                "yaxis": axis(
                    "", visible=False, range=[-0.6, max((lanes[block.index] for block in drawn), default=0) + 0.6]
                ),
                "showlegend": True,
                "hovermode": "closest",
            },
            is_wide=True,
            height=190 + 34 * max((lanes[block.index] for block in drawn), default=0),
        )
    ]


def assign_lanes(blocks: Sequence[BlockRecord]) -> dict[int, int]:
    """A row for each block: 0 for the best chain; a side branch takes the lowest row that is free along it, and keeps
    it as long as it does not fork again."""
    lanes: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()
    for block in sorted(blocks, key=lambda block: (block.height, block.index)):
        lane = 0 if block.is_best else max(lanes.get(block.parent, 0), 1)
        while not block.is_best and (lane, block.height) in taken:
            lane += 1
        lanes[block.index] = lane
        taken.add((lane, block.height))
    return lanes


def _deepest(forks: Sequence[Fork]) -> list[Fork]:
    return sorted(forks, key=lambda fork: -fork.depth)[:_FORKS_SHOWN]


def _around(blocks: Sequence[BlockRecord], forks: Sequence[Fork]) -> list[int]:
    height_of = {block.index: block.height for block in blocks}
    wanted: set[int] = set()
    for fork in forks:
        first = min(height_of[child] for child in fork.children)
        wanted.update(range(first - 1 - _AROUND, first + fork.depth + _AROUND))
    return sorted(wanted & set(height_of.values()))


def _places(heights: Sequence[int]) -> dict[int, int]:
    """Where each height is drawn; left out heights take one place together."""
    places: dict[int, int] = {}
    for place, height in enumerate(heights):
        gaps = places[heights[place - 1]] - place + 1 if place else 0
        places[height] = place + gaps + (place > 0 and height > heights[place - 1] + 1)
    return places


def _tick_step(count: int) -> int:
    return max(1, count // 30)


def _edges(drawn: Sequence[BlockRecord], position: Mapping[int, int], lanes: Mapping[int, int]) -> Trace:
    by_index = {block.index: block for block in drawn}
    x: list[Json] = []
    y: list[Json] = []
    for block in drawn:
        parent = by_index.get(block.parent)
        if block.parent != NO_PARENT and parent is not None:
            x += [position[parent.height], position[block.height], None]
            y += [lanes[parent.index], lanes[block.index], None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": MUTED, "width": 1.5},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _gaps(heights: Sequence[int], position: Mapping[int, int]) -> Trace:
    x: list[Json] = []
    y: list[Json] = []
    for before, height in pairwise(heights):
        if height > before + 1:
            x += [position[before], position[height], None]
            y += [0, 0, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": MUTED, "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _marks(
    record: RunRecord,
    blocks: Sequence[BlockRecord],
    position: Mapping[int, int],
    lanes: Mapping[int, int],
    name: str,
    colour: str,
) -> Trace:
    names = {node.index: node.name for node in record.nodes}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [position[block.height] for block in blocks],
        "y": [lanes[block.index] for block in blocks],
        "text": [
            f"height {block.height}<br>{block.hash[:24]}...<br>by {names.get(block.miner, 'nobody here')} at "
            f"{block.found_at_us / SECOND_US:.3f} s<br>reached {int((block.arrivals >= 0).sum()):,} nodes"
            for block in blocks
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 10, "color": colour, "symbol": "square"},
    }
