"""Each network model in twelve processes: they agree on payments, some are killed, and the rest keeps what the model
promises.

A row of `ROWS` says what is killed, what must be so before (or the loss would show nothing), and what the model then
promises. The story is the same for all: payments before, payments after.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .fleet import Fleet, Member, fleet

NODES = 12


def nothing(nodes: Fleet) -> None:
    """The story itself shows what is promised."""


def a_third_with_the_first(nodes: Fleet) -> list[Member]:
    """Among them the one that the first others were told of."""
    return [nodes.members[0], *nodes.members[5:8]]


@dataclass(frozen=True)
class Row:
    """What is lost, and what then holds."""

    lost: Callable[[Fleet], list[Member]]
    before: Callable[[Fleet], None] = nothing
    promise: Callable[[Fleet], None] = nothing
    settings: tuple[str, ...] = ()


ROWS = {
    "random": Row(a_third_with_the_first),
    "everybody": Row(a_third_with_the_first),
}


@pytest.mark.parametrize("model", ROWS)
def test_twelve_nodes_pay_and_go_on_as_their_model_promises(model: str, tmp_path: Path) -> None:
    row = ROWS[model]
    with fleet(model, row.settings, NODES, tmp_path) as nodes:
        payer, payee, miner = nodes.members[-1], nodes.members[-2], nodes.members[-3]
        nodes.fund(payer, miner)
        nodes.pay(payer, payee, miner)
        row.before(nodes)
        nodes.kill(row.lost(nodes))
        row.promise(nodes)
        nodes.pay(payer, payee, miner)
