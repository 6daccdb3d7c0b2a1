"""The head of a report: what was asked, whether it is a model, and the figures that answer."""

from html import escape

from minicoin.sim.measure.record import RunRecord
from minicoin.sim.result.page import Tile, banner_html, paragraph, tiles_html
from minicoin.sim.result.summary import Summary
from minicoin.sim.result.words import (
    MODEL_LABEL,
    format_bytes,
    format_count,
    format_reached,
    format_share,
    format_us,
    plural,
)


def head_html(record: RunRecord, summary: Summary) -> str:
    """Title, question, identity, banners, tiles."""
    parts = [f"<h1>{escape(record.scenario)}</h1>"]
    if record.question:
        parts.append(paragraph(record.question, "question"))
    identity = f"{'Propagation model' if record.engine == 'model' else 'Full node code'}, seed {record.seed}, digest"
    parts.append(f'<p class="identity">{escape(identity)} <code>{escape(record.digest)}</code></p>')
    if record.replay:
        parts.append(f'<p class="identity">Run it again: <code>{escape(record.replay)}</code></p>')
    if record.interrupted:
        left = "Figures count what was measured until then; blocks and transactions still on their way are missing."
        parts.append(banner_html(f"Partial: {record.interrupted}", [left], is_bad=True))
    if record.engine == "model":
        parts.append(banner_html(MODEL_LABEL, record.assumptions))
    if record.violations:
        shown = [f"{found.checker}: {found.text}" for found in record.violations[:3]]
        parts.append(banner_html(plural(len(record.violations), "violation"), shown, is_bad=True))
    silent = [row.kind for row in summary.faults if not row.fired]
    if silent:
        parts.append(banner_html(f"Faults that never fired: {', '.join(silent)}", [], is_bad=True))
    return "<header>" + "".join(parts) + tiles_html(_tiles(record, summary)) + "</header>"


def _tiles(record: RunRecord, summary: Summary) -> list[Tile]:
    blocks, forks = summary.blocks, summary.forks
    tiles = [Tile("nodes", format_count(summary.nodes)), Tile("virtual time", format_us(summary.virtual_us))]
    tiles.append(Tile("blocks found", format_count(forks.blocks)))
    if blocks.per_item is not None:
        tiles += [
            Tile("p50 of a block's arrival", format_reached(blocks.per_item.p50_us)),
            Tile("p90, median over blocks", format_reached(blocks.per_item.p90_us)),
            Tile("p99, median over blocks", format_reached(blocks.per_item.p99_us)),
        ]
    if summary.transactions.per_item is not None:
        tiles.append(Tile("p50 of a transaction's arrival", format_reached(summary.transactions.per_item.p50_us)))
    if summary.records.per_item is not None:
        tiles.append(Tile("p50 of a record's arrival", format_reached(summary.records.per_item.p50_us)))
    if summary.best_blocks.items:
        share = format_share(summary.best_blocks.coverage)
        tiles.append(Tile("best blocks reached", share, "bad" if summary.best_blocks.missing else "good"))
    if forks.blocks:
        tiles.append(Tile(f"stale ({forks.stale} blocks)", format_share(forks.stale_rate)))
    if forks.expected_stale_rate is not None:
        tiles.append(Tile("stale, from delays", format_share(forks.expected_stale_rate)))
    if not summary.traffic.is_empty:
        tiles.append(Tile("carried by a median node", format_bytes(summary.traffic.median_node_bytes)))
    tiles.append(Tile("violations", format_count(summary.violations), "bad" if summary.violations else "good"))
    tiles.append(Tile("events", format_count(summary.events)))
    if record.run_wall_s > 0:
        tiles.append(Tile("events a second", format_count(round(summary.events / record.run_wall_s))))
    return tiles
