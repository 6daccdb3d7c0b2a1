"""What a node is for the network: the one table of what each role offers and what it is made of.

A role that keeps blocks has an engine behind it, and what lives on an engine's coins: mempool, wallet, miner. Its tip
is where the engine stands. One that keeps none follows the best header, which is its tip, and offers nothing to fetch.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.primitives.address import Services


class Role(StrEnum):
    """What a node is for the network."""

    FULL = "full"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Duties:
    """One row of the table."""

    services: Services
    """What its version message offers."""
    keeps_blocks: bool
    """It validates, stores and serves blocks and transactions."""


ROLES: Final = {
    Role.FULL: Duties(Services.NETWORK | Services.WITNESS, keeps_blocks=True),
    Role.HEADERS: Duties(Services.NONE, keeps_blocks=False),
}


def require_role(role: Role, *, keeps_blocks: bool) -> Duties:
    """The row of a role that is of this kind. Raises MisuseError."""
    duties = ROLES[role]
    if duties.keeps_blocks is not keeps_blocks:
        fitting = ", ".join(other for other, row in ROLES.items() if row.keeps_blocks is keeps_blocks)
        does = "keeps blocks" if duties.keeps_blocks else "keeps no blocks"
        raise MisuseError(f"a node of the role {role} {does}; what it is to run in is made for: {fitting}")
    return duties
