"""The commands that join a running node, complete: from this machine, and from others."""

import ipaddress
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from minicoin.app.options import NodeOptions
from minicoin.app.places import DEFAULT_NETWORK, NETWORK_SUFFIX
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.primitives.address import NodeAddress

# A machine may have many addresses; these are enough to choose from.
_SHOWN_MAX: Final = 4
_NAMES_MAX: Final = 1000


def join_lines(options: NodeOptions, datadir: Path, addresses: Sequence[NodeAddress]) -> list[str]:
    """What to print about it. `addresses`: where the node listens, each interface by its own address."""
    local = [address for address in addresses if _is_loopback(address.host)]
    others = [address for address in addresses if not _is_loopback(address.host)]
    network = ["--network", options.network]
    lines: list[str] = []
    if local or others:
        # On the same machine a second node needs its own directory and ports.
        own = ["--datadir", str(_free_directory(datadir.absolute())), "-l", "0", "--rpcport", "0"]
        lines += ["to join it from this machine:", _command([*network, *own], (local or others)[0])]
    if not others:
        return [*lines, "it listens on this machine only; --bind 0.0.0.0 takes connections from others too"]
    has_file = options.network.endswith(NETWORK_SUFFIX)
    lines.append("to join it from another machine" + (", with a copy of the network file:" if has_file else ":"))
    if options.network == DEFAULT_NETWORK:
        network = []
    return [*lines, *(_command(network, address) for address in others[:_SHOWN_MAX])]


def _command(words: list[str], address: NodeAddress) -> str:
    return "  " + shlex.join(["minicoin", "startnode", *words, "-d", join_address(address)])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_directory(datadir: Path) -> Path:
    """A directory beside the node's own that is not there yet."""
    names = (datadir.with_name(f"{datadir.name}-{number}") for number in range(2, _NAMES_MAX))
    return next((path for path in names if not path.exists()), datadir.with_name(f"{datadir.name}-joined"))
