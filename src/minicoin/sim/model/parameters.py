"""What a run of the propagation model is told: message sizes, verification, who tells whom, how links queue, mining.

Three presets: `full_node` mirrors what minicoin's own node does, `SIMBLOCK` and `GERVAIS` what those simulators do.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from minicoin.sim.scenario.fields import MODEL_BLOCKS_MAX

Discipline = Literal["fifo", "fifo-uplink", "stop-and-wait"]
Relay = Literal["announce", "finder-pushes", "all-push", "pools-relay"]
AnnounceTo = Literal["all", "not-to-source", "not-to-announcers"]

FRAME_BYTES: Final = 24
HEADERS_BYTES: Final = FRAME_BYTES + 1 + 81
VECTOR_BYTES: Final = FRAME_BYTES + 1 + 36

# numba keeps block and link entry in one word, see kernel.BLOCK_BITS.
BLOCKS_MAX: Final = MODEL_BLOCKS_MAX

DISCIPLINES: Final[dict[Discipline, str]] = {
    "fifo": "every message queues in its sender's uplink and its receiver's downlink, first in first out",
    "fifo-uplink": "blocks queue in the uplink and are complete size/min(down, up) after their first byte; "
    "other messages take the latency only (Gervais et al.)",
    "stop-and-wait": "a sender has one block under way until it has arrived, at min(down, up); other messages take the "
    "latency only (SimBlock)",
}
RELAYS: Final[dict[Relay, str]] = {
    "announce": "a block is announced, asked for at the first announcer and sent",
    "finder-pushes": "the finder sends its block unasked, pools first; everybody else announces",
    "all-push": "everybody sends blocks unasked",
    "pools-relay": "the finder sends pools a compressed block unasked; everybody else hears an announcement",
}
ANNOUNCES: Final[dict[AnnounceTo, str]] = {
    "all": "a node announces to all its neighbours",
    "not-to-source": "a node announces to all neighbours but the one the block came from",
    "not-to-announcers": "a node announces to all neighbours that have not announced the block to it",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """One run. `hash_shares` are those of nodes 0, 1, ...; without them all nodes mine equally."""

    block_bytes: int
    blocks: int = 1
    interval_us: int = 600_000_000
    hash_shares: tuple[float, ...] = ()
    announce_bytes: int = HEADERS_BYTES
    request_bytes: int = VECTOR_BYTES
    relayed_bytes: int = 0
    verify_fixed_us: int = 0
    verify_us_per_mb: int = 0
    control_extra_us: int = 0
    block_extra_us: int = 0
    discipline: Discipline = "fifo"
    relay: Relay = "announce"
    announce_to: AnnounceTo = "not-to-announcers"
    relay_side_blocks: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.blocks <= BLOCKS_MAX:
            raise ValueError(f"blocks must be 1 to {BLOCKS_MAX}, not {self.blocks}")
        for name in ("block_bytes", "interval_us"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        for name, known in (("discipline", DISCIPLINES), ("relay", RELAYS), ("announce_to", ANNOUNCES)):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}: choose one of {', '.join(known)}")
        if self.hash_shares and (min(self.hash_shares) < 0 or sum(self.hash_shares) <= 0):
            raise ValueError("hash shares must not be negative and not all be zero")

    @property
    def verify_us(self) -> int:
        """The delay between having a block and announcing it."""
        return self.verify_fixed_us + self.verify_us_per_mb * self.block_bytes // 1_000_000

    def with_blocks(self, blocks: int) -> "Parameters":
        """The same for another number of blocks."""
        return replace(self, blocks=blocks)

    def assumptions(self) -> list[str]:
        """What the model takes for granted, in words, for every result."""
        return [
            DISCIPLINES[self.discipline],
            RELAYS[self.relay],
            ANNOUNCES[self.announce_to],
            f"blocks are all {self.block_bytes} bytes and verified in {self.verify_us} us, any number at once",
            "blocks found by height beat older ones, first seen wins ties; missing parents are not asked for",
            "no transactions, no handshakes, no pings, no loss, no churn, no timeouts; links never break",
            ("side blocks are passed on" if self.relay_side_blocks else "side blocks are not passed on"),
        ]


def full_node(block_bytes: int, verify_us: int) -> Parameters:
    """minicoin's node: headers announcements, one getdata to the first announcer, everything through the queues."""
    return Parameters(block_bytes=block_bytes + FRAME_BYTES, verify_fixed_us=verify_us)


SIMBLOCK: Final = Parameters(
    block_bytes=535_000,
    blocks=200,
    control_extra_us=10_000,
    block_extra_us=2_000,
    discipline="stop-and-wait",
    announce_to="all",
)

GERVAIS: Final = Parameters(
    block_bytes=500_000,
    announce_bytes=FRAME_BYTES + 1 + 36,
    verify_us_per_mb=round(0.174e6 / 458_263 * 1e6),
    discipline="fifo-uplink",
    announce_to="not-to-source",
    relay_side_blocks=True,
)
