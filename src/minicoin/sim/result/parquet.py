"""A record as a directory of Parquet files, and back.

One table per file: nodes, blocks, transactions, published, arrivals (kind, item, node, us), traffic (long form, without
empty cells), series, joins, errands, faults, violations; run.parquet holds the rest in one row, so that many runs stack
into one table.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from minicoin.core.faults import MisuseError
from minicoin.sim.measure.record import (
    BlockRecord,
    ErrandRecord,
    FaultRecord,
    IntArray,
    JoinRecord,
    NodeRecord,
    PublishedRecord,
    RunRecord,
    SeriesRecord,
    TrafficRecord,
    TxRecord,
    ViolationRecord,
)

_Schema = Mapping[str, type[pl.DataType] | pl.DataType]

_NODE: _Schema = {
    "index": pl.Int64,
    "name": pl.String,
    "region": pl.String,
    "group": pl.String,
    "role": pl.String,
    "up_bytes_per_s": pl.Int64,
    "down_bytes_per_s": pl.Int64,
    "hash_share": pl.Float64,
    "outbound": pl.Int64,
    "inbound": pl.Int64,
    "is_attacker": pl.Boolean,
}
_BLOCK: _Schema = {
    "index": pl.Int64,
    "hash": pl.String,
    "parent": pl.Int64,
    "height": pl.Int64,
    "miner": pl.Int64,
    "found_at_us": pl.Int64,
    "size_bytes": pl.Int64,
    "transactions": pl.Int64,
    "is_best": pl.Boolean,
}
_TX: _Schema = {"index": pl.Int64, "txid": pl.String, "sender": pl.Int64, "sent_at_us": pl.Int64}
_PUBLISHED: _Schema = {
    "index": pl.Int64,
    "kind": pl.String,
    "key": pl.String,
    "publisher": pl.Int64,
    "published_at_us": pl.Int64,
}
_FAULT: _Schema = {
    "kind": pl.String,
    "started_us": pl.Int64,
    "ended_us": pl.Int64,
    "targets": pl.List(pl.String),
    "fired": pl.Int64,
}
_JOIN: _Schema = {"node": pl.Int64, "started_us": pl.Int64, "ready_us": pl.Int64, "level_us": pl.Int64}
_ERRAND: _Schema = {
    "kind": pl.String,
    "sender": pl.Int64,
    "addressee": pl.Int64,
    "sent_at_us": pl.Int64,
    "was_up": pl.Boolean,
    "outcome": pl.String,
    "took_us": pl.Int64,
    "cost": pl.Int64,
}
_VIOLATION: _Schema = {"checker": pl.String, "at_us": pl.Int64, "nodes": pl.List(pl.Int64), "text": pl.String}
_RUN: _Schema = {
    "engine": pl.String,
    "scenario": pl.String,
    "scenario_hash": pl.String,
    "seed": pl.Int64,
    "python_version": pl.String,
    "minicoin_version": pl.String,
    "digest": pl.String,
    "event_count": pl.Int64,
    "virtual_us": pl.Int64,
    "setup_events": pl.Int64,
    "setup_wall_s": pl.Float64,
    "run_wall_s": pl.Float64,
    "question": pl.String,
    "replay": pl.String,
    "notes": pl.List(pl.String),
    "assumptions": pl.List(pl.String),
}
_CELLS = ("sent_messages", "sent_bytes", "received_messages", "received_bytes")


def write_parquet(record: RunRecord, directory: Path) -> None:
    """Write the files, over those of an earlier run."""
    directory.mkdir(parents=True, exist_ok=True)
    tables = {
        "run": _run_table(record),
        "nodes": _table(record.nodes, _NODE),
        "blocks": _table(record.blocks, _BLOCK),
        "transactions": _table(record.transactions, _TX),
        "published": _table(record.published, _PUBLISHED),
        "arrivals": pl.concat(
            [
                _arrivals("block", [(block.index, block.arrivals) for block in record.blocks]),
                _arrivals("transaction", [(tx.index, tx.arrivals) for tx in record.transactions]),
                _arrivals("record", [(one.index, one.arrivals) for one in record.published]),
            ]
        ),
        "traffic": _traffic_table(record.traffic),
        "series": _series_table(record.series),
        "joins": _table(record.joins, _JOIN),
        "errands": _table(record.errands, _ERRAND),
        "faults": _table(record.faults, _FAULT),
        "violations": _table(record.violations, _VIOLATION),
    }
    for name, table in tables.items():
        table.write_parquet(directory / f"{name}.parquet")


def read_parquet(directory: Path) -> RunRecord:
    """The record that was written. Raises MisuseError where the directory holds none."""
    if not (directory / "run.parquet").is_file():
        raise MisuseError(f"no result in {directory}: run.parquet is missing")
    tables = {file.stem: pl.read_parquet(file) for file in sorted(directory.glob("*.parquet"))}
    run = tables["run"].row(0, named=True)
    canonical, types = json.loads(run.pop("canonical")), run.pop("traffic_types")
    units = dict(zip(run.pop("series_names"), run.pop("series_units"), strict=True))
    carriers = run.pop("traffic_nodes")
    reached = _arrivals_by_item(tables["arrivals"])
    nothing = np.zeros(0, np.int64)
    return RunRecord(
        **run,
        canonical=canonical,
        nodes=[NodeRecord(**row) for row in tables["nodes"].iter_rows(named=True)],
        blocks=[
            BlockRecord(**row, arrivals=reached.get(("block", row["index"]), nothing))
            for row in tables["blocks"].iter_rows(named=True)
        ],
        transactions=[
            TxRecord(**row, arrivals=reached.get(("transaction", row["index"]), nothing))
            for row in tables["transactions"].iter_rows(named=True)
        ],
        published=[
            PublishedRecord(**row, arrivals=reached.get(("record", row["index"]), nothing))
            for row in tables["published"].iter_rows(named=True)
        ],
        traffic=_read_traffic(tables["traffic"], types, carriers),
        joins=[JoinRecord(**row) for row in tables["joins"].iter_rows(named=True)],
        errands=[ErrandRecord(**row) for row in tables["errands"].iter_rows(named=True)],
        faults=[FaultRecord(**row) for row in tables["faults"].iter_rows(named=True)],
        violations=[ViolationRecord(**row) for row in tables["violations"].iter_rows(named=True)],
        series=_read_series(tables["series"], units),
    )


def _table(rows: Sequence[object], schema: _Schema) -> pl.DataFrame:
    return pl.DataFrame({name: [getattr(row, name) for row in rows] for name in schema}, schema=schema)


def _run_table(record: RunRecord) -> pl.DataFrame:
    return _table([record], _RUN).with_columns(
        pl.lit(json.dumps(record.canonical)).alias("canonical"),
        pl.Series("traffic_types", [record.traffic.types], pl.List(pl.String)),
        pl.lit(record.traffic.sent_messages.shape[0]).alias("traffic_nodes"),
        pl.Series("series_names", [[series.name for series in record.series]], pl.List(pl.String)),
        pl.Series("series_units", [[series.unit for series in record.series]], pl.List(pl.String)),
    )


def _arrivals(kind: str, items: Sequence[tuple[int, IntArray]]) -> pl.DataFrame:
    sizes = [len(arrivals) for _, arrivals in items]
    nothing = np.zeros(0, np.int64)
    return pl.DataFrame(
        {
            "item": np.repeat(np.array([index for index, _ in items], np.int64), sizes),
            "node": np.concatenate([np.arange(size, dtype=np.int64) for size in sizes] or [nothing]),
            "us": np.concatenate([arrivals for _, arrivals in items] or [nothing]),
        },
        schema={"item": pl.Int64, "node": pl.Int64, "us": pl.Int64},
    ).select(pl.lit(kind).alias("kind"), "item", "node", "us")


def _arrivals_by_item(table: pl.DataFrame) -> dict[tuple[str, int], IntArray]:
    groups = table.partition_by("kind", "item", as_dict=True, include_key=False)
    return {(str(kind), int(item)): rows["us"].to_numpy(writable=True) for (kind, item), rows in groups.items()}


def _traffic_table(traffic: TrafficRecord) -> pl.DataFrame:
    node, column = np.nonzero(sum(getattr(traffic, cell) for cell in _CELLS))
    columns: dict[str, IntArray] = {"node": node.astype(np.int64), "type": column.astype(np.int64)}
    columns |= {cell: getattr(traffic, cell)[node, column] for cell in _CELLS}
    names = dict(enumerate(traffic.types))
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)).with_columns(
        pl.col("type").replace_strict(names, return_dtype=pl.String)
    )


def _read_traffic(table: pl.DataFrame, types: list[str], nodes: int) -> TrafficRecord:
    position = {name: index for index, name in enumerate(types)}
    rows = table["node"].to_numpy()
    columns = np.array([position[name] for name in table["type"]], np.int64)
    arrays: dict[str, IntArray] = {}
    for cell in _CELLS:
        arrays[cell] = np.zeros((nodes, len(types)), np.int64)
        arrays[cell][rows, columns] = table[cell].to_numpy()
    return TrafficRecord(types, **arrays)


def _series_table(series: Sequence[SeriesRecord]) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"name": pl.String, "time_us": pl.Int64, "value": pl.Float64})
    points = [
        pl.DataFrame({"time_us": one.time_us, "value": one.values}).select(
            pl.lit(one.name).alias("name"), "time_us", "value"
        )
        for one in series
    ]
    return pl.concat([empty, *points])


def _read_series(table: pl.DataFrame, units: Mapping[str, str]) -> list[SeriesRecord]:
    found = []
    for name, unit in units.items():
        rows = table.filter(pl.col("name") == name)
        times, values = rows["time_us"].to_numpy(writable=True), rows["value"].to_numpy(writable=True)
        found.append(SeriesRecord(name, unit, times, values))
    return found
