"""What every part of a scenario is made of: the strict base model and the number types with their ranges.

Times and sizes carry their unit in the key (`at_s`, `block_bytes`); a share is a number from 0 to 1. Numbers are taken
as written: neither "5" nor true is a number here.

The simulator counts whole microseconds and whole bytes per second, and in both 0 may mean "none" or "no limit". A
number above 0 must therefore be at least one of its unit: rounding would turn a very slow line into an unlimited one.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.units import SECOND_US

YEAR_S: Final = 366 * 24 * 3600
NODES_MAX: Final = 10_000_000
MICROSECOND_S: Final = 0.000_001
MICROSECOND_MS: Final = 0.001
BYTE_PER_S_MBIT: Final = 0.000_008
# One in eleven days, if it is one per second: rarer is never, and its inverse must be a number.
RATE_MIN: Final = 0.000_001
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"

# A million nodes are a model's; full node code beyond this would need more memory than a large machine has.
FULL_NODES_MAX: Final = 200_000
# Each connection has two machines of libp2p, some 50 KB together, and a handshake in real cryptography.
LIBP2P_NODES_MAX: Final = 1_000
# What pads a block is no witness, of which each byte weighs four: nodes would refuse a larger one, its miner first.
FULL_BLOCK_BYTES_MAX: Final = BLOCK_WEIGHT_MAX // 4
# The model's kernel keeps block and link in one word.
MODEL_BLOCKS_MAX: Final = (1 << 20) - 1
# Two million links; more say nothing that fewer nodes do not.
COMPLETE_NODES_MAX: Final = 2_000


class SettingsTable(BaseModel):
    """A table of a scenario file. What stands below a field is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Switch = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=NODES_MAX)]
NodeIndex = Annotated[int, Field(strict=True, ge=0, lt=NODES_MAX)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=YEAR_S, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(strict=True, ge=MICROSECOND_S, le=YEAR_S, allow_inf_nan=False)]
SignedSeconds = Annotated[float, Field(strict=True, ge=-YEAR_S, le=YEAR_S, allow_inf_nan=False)]
Millis = Annotated[float, Field(strict=True, ge=0, le=3_600_000, allow_inf_nan=False)]
PositiveMillis = Annotated[float, Field(strict=True, ge=MICROSECOND_MS, le=3_600_000, allow_inf_nan=False)]
WorkMicros = Annotated[float, Field(strict=True, ge=0, le=60_000_000, allow_inf_nan=False)]
Mbit = Annotated[float, Field(strict=True, ge=BYTE_PER_S_MBIT, le=1_000_000, allow_inf_nan=False)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
PositiveRate = Annotated[float, Field(strict=True, ge=RATE_MIN, le=1_000_000, allow_inf_nan=False)]
Factor = Annotated[float, Field(strict=True, ge=1, le=1_000_000, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
PositiveShare = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]

Engine = Literal["full", "model"]
Ledger = Literal["shared", "own"]
Region = Literal["NA", "EU", "SA", "AP", "JP", "AU"]
Version = Literal["current", "before-wtxidrelay", "before-sendheaders"]
"""Feature sets of nodes. before-wtxidrelay: never sends wtxidrelay and sendaddrv2 (BIP339, BIP155);
before-sendheaders: nor sendheaders (BIP130), so it hears of blocks by inv."""


def micros(seconds: float) -> int:
    """A duration of the file in the simulator's integer microseconds."""
    return round(seconds * SECOND_US)
