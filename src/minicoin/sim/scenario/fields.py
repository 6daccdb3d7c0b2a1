"""What every part of a scenario is made of: the strict base model and the number types with their ranges.

Times and sizes carry their unit in the key (`at_s`, `block_bytes`); a share is a number from 0 to 1. Numbers are taken
as written: neither "5" nor true is a number here.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from minicoin.core.units import SECOND_US

YEAR_S: Final = 366 * 24 * 3600
NODES_MAX: Final = 10_000_000
NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,62}$"

# A million nodes are a model's; full node code beyond this would need more memory than a large machine has.
FULL_NODES_MAX: Final = 200_000
# Two million links; more say nothing that fewer nodes do not.
COMPLETE_NODES_MAX: Final = 2_000


class Part(BaseModel):
    """A table of a scenario file. What stands below a field is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Switch = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True, ge=1, le=NODES_MAX)]
CountOrNone = Annotated[int, Field(strict=True, ge=0, le=NODES_MAX)]
NodeIndex = Annotated[int, Field(strict=True, ge=0, lt=NODES_MAX)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=YEAR_S, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(strict=True, gt=0, le=YEAR_S, allow_inf_nan=False)]
SignedSeconds = Annotated[float, Field(strict=True, ge=-YEAR_S, le=YEAR_S, allow_inf_nan=False)]
Millis = Annotated[float, Field(strict=True, ge=0, le=3_600_000, allow_inf_nan=False)]
PositiveMillis = Annotated[float, Field(strict=True, gt=0, le=3_600_000, allow_inf_nan=False)]
WorkMicros = Annotated[float, Field(strict=True, ge=0, le=60_000_000, allow_inf_nan=False)]
Mbit = Annotated[float, Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1_000_000, allow_inf_nan=False)]
PositiveRate = Annotated[float, Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False)]
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
