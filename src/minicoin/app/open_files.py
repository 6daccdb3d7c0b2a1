"""How many files and sockets this process may have open: raised as far as the system lets us, and enough, or no start.

A node that runs out of them later could not open its own block files, and strangers decide when that is.
"""

import resource
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.limits import INBOUND_SOCKETS_MAX, OPEN_FILES_OF_OUR_OWN, RPC_CONNECTIONS_MAX

OPEN_FILES_MIN: Final = OPEN_FILES_OF_OUR_OWN + INBOUND_SOCKETS_MAX + RPC_CONNECTIONS_MAX


def require_open_files() -> None:
    """Raises MisuseError that says how many are needed and how to get them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _holds(soft):
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES_MIN, hard))
    except (OSError, ValueError) as error:
        raise MisuseError(
            f"this process may have only {soft} files and connections open at one time, and a node needs "
            f"{OPEN_FILES_MIN}: raise the limit (ulimit -n {OPEN_FILES_MIN}; LimitNOFILE= in a systemd unit; --ulimit "
            "nofile= in Docker) and start again"
        ) from error


def _holds(limit: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= OPEN_FILES_MIN
