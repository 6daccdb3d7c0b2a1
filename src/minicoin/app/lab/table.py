"""The lab's table: what each node says of itself, at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.table import Table

from minicoin.app.client import NoNode, RpcFailure, as_object
from minicoin.app.lab.process import LabNode

_HASH_SHOWN = 16


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node at one moment."""

    name: str
    role: str
    """In its network's model."""
    height: int
    tip: str
    peers: int
    mempool: int
    balance: str
    is_up: bool = True


def read_row(node: LabNode) -> NodeRow:
    """Ask one node; a node that does not answer is shown as down."""
    try:
        chain = as_object(node.call("getblockchaininfo"))
        network = as_object(node.call("getnetworkinfo"))
        pool = as_object(node.call("getmempoolinfo"))
        balances = as_object(as_object(node.call("getbalances"))["mine"])
    except (NoNode, RpcFailure):
        return NodeRow(node.name, node.role, 0, "", 0, 0, "", is_up=False)
    return NodeRow(
        node.name,
        str(network["overlay_role"]),
        int(str(chain["blocks"])),
        str(chain["bestblockhash"]),
        int(str(network["connections"])),
        int(str(pool["size"])),
        f"{Decimal(str(balances['trusted'])):f}",
    )


def render(rows: Sequence[NodeRow], title: str) -> Table:
    """As rich shows it."""
    table = Table(title=title, title_justify="left")
    for column in ("node", "role", "height", "tip", "peers", "mempool", "balance"):
        table.add_column(column, justify="right" if column not in ("node", "role", "tip") else "left")
    for row in rows:
        if row.is_up:
            tip = row.tip.lstrip("0")[:_HASH_SHOWN]
            table.add_row(
                row.name, row.role, str(row.height), f"..{tip}", str(row.peers), str(row.mempool), row.balance
            )
        else:
            table.add_row(row.name, row.role, "down", "", "", "", "")
    return table
