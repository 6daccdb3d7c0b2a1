"""Whether the registry is there, since when, and what stands in the way; what of it is told to the log, and when."""

from collections.abc import Callable
from typing import Final

from minicoin.core.limits import REGISTRY_WARNING_AFTER_US
from minicoin.core.units import MINUTE_US, SECOND_US
from minicoin.drivers.reports import RegistryConnected, RegistryLost, RegistryWarned, Report

_TOLD_MAX: Final = 100
"""Different warnings; what others leave there could be told without end."""
_WARNING_AFTER_S: Final = REGISTRY_WARNING_AFTER_US // SECOND_US
_REASON_CHARACTERS_MAX: Final = 300


class Health:
    """Of one registry. Times are Unix seconds."""

    def __init__(self, endpoint: Callable[[], str], report: Callable[[Report], None], heard_s: int | None) -> None:
        self._endpoint = endpoint
        self._report = report
        self._failures: dict[str, str] = {}
        self._refusals: dict[str, str] = {}
        self._told: dict[str, None] = {}
        self._is_silence_told = False
        self.connected_since: int | None = None
        self.unreachable_since: int | None = None
        self.last_heard = heard_s
        self.ignored = 0

    @property
    def error(self) -> str:
        """What went wrong last and is not in order yet."""
        return next(reversed(self._failures.values()), "")

    def on_connected(self, nodes: int, now_s: int) -> None:
        """All that is there was read."""
        self.on_heard(now_s)
        self.unreachable_since = None
        self._is_silence_told = False
        if self.connected_since is None:
            self.connected_since = now_s
            self._report(RegistryConnected(self._endpoint(), nodes))

    def on_heard(self, now_s: int) -> None:
        """It said something."""
        self.last_heard = now_s

    def on_lost(self, reason: str, now_s: int) -> None:
        """It cannot be read."""
        if self.unreachable_since is None:
            self.unreachable_since = now_s
        if self.connected_since is not None:
            self.connected_since = None
            self._report(RegistryLost(self._endpoint(), reason))

    def on_failure(self, duty: str, reason: str, *, is_refusal: bool) -> None:
        """One of our duties cannot be done; where it is refused, the operator hears of it at once."""
        self._failures.pop(duty, None)
        self._failures[duty] = reason
        if is_refusal:
            self._refusals[duty] = reason
            self.warn(reason)

    def on_success(self, duty: str) -> None:
        """It can be done."""
        self._failures.pop(duty, None)
        refusal = self._refusals.pop(duty, None)
        if refusal is not None:
            # When it comes again, it is news again.
            self._told.pop(refusal, None)

    def on_ignored(self, reason: str) -> None:
        """Something that stands there cannot be used."""
        self.ignored += 1
        self.warn(reason)

    def warn(self, reason: str) -> None:
        """Tell the log, once."""
        reason = reason[:_REASON_CHARACTERS_MAX]
        if reason not in self._told and len(self._told) < _TOLD_MAX:
            self._told[reason] = None
            self._report(RegistryWarned(self._endpoint(), reason))

    def look(self, now_s: int) -> None:
        """Tell the log once of a silence that lasts."""
        if self._is_silent(now_s) and not self._is_silence_told:
            self._is_silence_told = True
            self._report(RegistryWarned(self._endpoint(), self._silence(now_s)))

    def warnings(self, now_s: int) -> tuple[str, ...]:
        """What the operator should know at this moment."""
        silence = (f"registry {self._endpoint()}: {self._silence(now_s)}",) if self._is_silent(now_s) else ()
        return (*silence, *dict.fromkeys(self._refusals.values()))

    def _is_silent(self, now_s: int) -> bool:
        return self.unreachable_since is not None and now_s - self.unreachable_since >= _WARNING_AFTER_S

    def _silence(self, now_s: int) -> str:
        assert self.unreachable_since is not None
        minutes = (now_s - self.unreachable_since) * SECOND_US // MINUTE_US
        return f"not reached for {minutes} minutes: {self.error or 'no answer'}"
