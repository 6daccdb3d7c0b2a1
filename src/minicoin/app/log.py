"""The node's log: trace records and program messages as lines for people, or as JSON. One of the trace's readers."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from minicoin.core.effects import Trace
from minicoin.core.units import SECOND_US, Micros

# What every transaction or stranger brings: worth a line only when somebody looks closely.
_QUIET = frozenset({"tx-accepted", "tx-refused", "dial-failed", "inbound-failed", "peer-opened", "peer-refused"})


def configure_log(*, as_json: bool, verbose: bool) -> Callable[[Micros, Trace], None]:
    """Set up structlog on standard error; the taker of trace records."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=16)
    )
    structlog.configure(
        processors=[structlog.processors.add_log_level, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    log = structlog.get_logger()

    told: dict[str, str] = {}

    def take(now: Micros, trace: Trace) -> None:
        if trace.kind in _QUIET and not verbose and not _is_news(trace, told):
            return
        moment = datetime.fromtimestamp(now / SECOND_US, UTC)
        try:
            log.info(trace.kind, time=moment.isoformat(timespec="milliseconds"), **dict(trace.fields))
        except OSError:
            # A full disk or a closed pipe behind the log must not end the node.
            return

    return take


def _is_news(trace: Trace, told: dict[str, str]) -> bool:
    """A node that a person named cannot be reached: worth a line when it happens first, and when the reason changes.

    There are few such nodes, so `told` stays small.
    """
    fields = dict(trace.fields)
    if trace.kind != "dial-failed" or not fields["chosen"]:
        return False
    remote, reason = str(fields["remote"]), str(fields["reason"])
    if told.get(remote) == reason:
        return False
    told[remote] = reason
    return True
