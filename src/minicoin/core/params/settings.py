"""What members may set while their network runs: names, units, ranges, and how each comes to hold. One table.

1. *What validity depends on* (scope `chain`) is set by a block from a height on, and by nothing else: whoever reads the
   chain years later must come to the same value at the same height.
2. *The rest* (scope `node`) is set by a record that a quorum of members signed, and holds as soon as a node has it. It
   is a default: what a node's operator chose on the command line, or in its file, holds above it.
3. *Each setting stands by itself.* A name that this version does not know, or a value out of its range, is kept, shown
   and passed on, and changes nothing of the others. Nobody here proposes or approves one. What validity depends on is
   another matter: from its height on this version judges no block (core/chain/settings_history).
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from minicoin.core.faults import DecodeError
from minicoin.core.limits import BLOCK_WEIGHT_MAX
from minicoin.core.signers.settings import Settings

_HOUR_MS: Final = 3_600_000
_DAY_S: Final = 24 * 3600


class SettingScope(StrEnum):
    """Who keeps to a setting, and so how it is changed."""

    CHAIN = "chain"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One row. The range of a text is that of its bytes."""

    name: str
    unit: str
    low: int
    high: int
    scope: SettingScope
    says: str
    options: tuple[str, ...] = ()
    """What the operator of a node says in its place."""

    @property
    def is_text(self) -> bool:
        return self.unit == "text"

    def number(self, text: str) -> int:
        """The value. Raises DecodeError for what is no number of the range, in its shortest form."""
        if not text.isascii() or not text.isdigit() or str(int(text)) != text or not self.low <= int(text) <= self.high:
            raise DecodeError(f"{self.name} is a number from {self.low} to {self.high}, in {self.unit}, not {text!r}")
        return int(text)

    def check(self, text: str) -> None:
        """Raises DecodeError for what is no value of it."""
        if not self.is_text:
            self.number(text)
        elif not self.low <= len(text.encode()) <= self.high:
            raise DecodeError(f"{self.name} has {self.low} to {self.high} bytes")


def _row(name: str, unit: str, low: int, high: int, says: str, *options: str) -> SettingRow:
    return SettingRow(name, unit, low, high, SettingScope.NODE, says, options)


MIN_INTERVAL: Final = SettingRow(
    "min_interval_s", "s", 1, _DAY_S, SettingScope.CHAIN, "a block is dated so long behind its parent, or later"
)
EMPTY_AFTER: Final = _row("empty_after_s", "s", 1, _DAY_S, "without a payment a block comes so long after the last")
PROPOSE_TIMEOUT: Final = _row("propose_timeout_ms", "ms", 1, _HOUR_MS, "round 0 waits so long for its proposal")
PREVOTE_TIMEOUT: Final = _row(
    "prevote_timeout_ms", "ms", 1, _HOUR_MS, "and so long for more prevotes, once a quorum is there"
)
PRECOMMIT_TIMEOUT: Final = _row(
    "precommit_timeout_ms", "ms", 1, _HOUR_MS, "and so long for more precommits, once a quorum is there"
)
TIMEOUT_STEP: Final = _row("timeout_step_ms", "ms", 1, _HOUR_MS, "each round waits so much longer than the last")
ALERT_TEXT: Final = _row("alert", "text", 0, 256, "every node shows it among its warnings; empty: none")
MIN_RELAY_FEERATE: Final = _row(
    "min_relay_feerate",
    "sat/kvB",
    0,
    10_000_000,
    "a payment that pays less is not taken and not relayed",
    "minrelaytxfee",
)
BLOCK_MIN_FEERATE: Final = _row(
    "block_min_feerate",
    "sat/kvB",
    0,
    10_000_000,
    "a payment that pays less is put into no block of a node",
    "blockmintxfee",
)
BLOCK_WEIGHT: Final = _row(
    "block_weight_max",
    "weight units",
    8_000,
    BLOCK_WEIGHT_MAX,
    "a block of a node has no more",
    "blockmaxweight",
)
MEMPOOL_SIZE: Final = _row("mempool_mb", "MB", 5, 1_000_000, "unconfirmed payments take no more memory", "maxmempool")
INBOUND: Final = _row(
    "inbound_slots", "connections", 8, 10_000, "so many others may connect to a node", "maxinbound", "maxconnections"
)

SETTINGS: Final = MappingProxyType(
    {
        row.name: row
        for row in (
            MIN_INTERVAL,
            EMPTY_AFTER,
            PROPOSE_TIMEOUT,
            PREVOTE_TIMEOUT,
            PRECOMMIT_TIMEOUT,
            TIMEOUT_STEP,
            ALERT_TEXT,
            MIN_RELAY_FEERATE,
            BLOCK_MIN_FEERATE,
            BLOCK_WEIGHT,
            MEMPOOL_SIZE,
            INBOUND,
        )
    }
)


def setting_problem(name: str, text: str, scope: SettingScope) -> str | None:
    """Why this version cannot keep to a setting that was signed for a scope; None where it can."""
    row = SETTINGS.get(name)
    if row is None:
        return f"{name} is no setting that this version knows"
    if row.scope is not scope:
        how = "a block" if row.scope is SettingScope.CHAIN else "a record"
        return f"{name} is set by {how}"
    try:
        row.check(text)
    except DecodeError as error:
        return str(error)
    return None


def problems(settings: Settings, scope: SettingScope) -> tuple[str, ...]:
    """Why this version cannot keep to some of these."""
    found = (setting_problem(name, text, scope) for name, text in settings)
    return tuple(problem for problem in found if problem is not None)
