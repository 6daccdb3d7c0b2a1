"""What a lab is made of: its network, a role for each node, and whom each is told of when it starts.

Whoever has a role that others lean on comes first, since these are told of somebody who has it. There is one index;
super nodes are a quarter of all and never fewer than two, so that one is left when one is lost. Everybody else has the
model's first role.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from minicoin.app.networks import chosen_model, find_network, read_network
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.forms import find_form
from minicoin.core.params.models import ModelForm
from minicoin.core.params.network import Network
from minicoin.core.params.toml_text import network_to_toml

NODES_MAX: Final = 50
_NETWORK_FILE: Final = "network.toml"


def _one(count: int) -> int:
    return 1


def _quarter(count: int) -> int:
    return max(2, round(count / 4))


_LEANED_ON: Final[Mapping[str, Callable[[int], int]]] = {"index": _one, "super": _quarter}
"""By its name: how many of so many nodes have it."""


@dataclass(frozen=True, slots=True)
class LabPlan:
    """A lab before it is started."""

    network: Network
    network_name: str
    """As its nodes are told; empty where the model was chosen for this lab, which writes a file of its own."""
    roles: tuple[str, ...]
    """Of each node; those that others lean on first."""
    guides: int
    """Others are told of one of the first so many."""

    def dials(self, index: int, addresses: Sequence[str]) -> tuple[str, ...]:
        """Whom the node of that index is told of: guides of the first, everybody else of guides in turn."""
        if index == 0:
            return ()
        return (addresses[0 if index < self.guides else index % self.guides],)

    def name_for_nodes(self, directory: Path) -> str:
        """What to name the network to the nodes; its file is in `directory` afterwards, where it has one."""
        if self.network_name:
            return self.network_name
        path = directory / _NETWORK_FILE
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(network_to_toml(self.network))
        except OSError as error:
            raise MisuseError(f"cannot write {path}: {error.strerror}") from error
        # What nodes will read must be what was meant.
        if read_network(path) != self.network:
            raise AssertionError("the file does not give the network back")
        return str(path)

    def told(self) -> str:
        """The model and how many have which role, for people."""
        counts = [(role, len(list(nodes))) for role, nodes in groupby(self.roles)]
        return f"{self.network.overlay}: {', '.join(f'{count} {role}' for role, count in counts)}"


def plan_lab(count: int, network_name: str, overlay: str | None, settings: Sequence[str]) -> LabPlan:
    """Of so many nodes; `overlay` and `settings` in the place of what the network has. Raises MisuseError."""
    network = find_network(network_name)
    if overlay is not None:
        network = _with_model(network, overlay, settings)
    elif settings:
        raise MisuseError("--overlay-setting is of a network model: name that by --overlay")
    roles = assign_roles(network.overlay, find_form(network.overlay), count)
    guides = max(1, sum(role in _LEANED_ON for role in roles))
    return LabPlan(network, network_name if overlay is None else "", roles, guides)


def _with_model(network: Network, overlay: str, settings: Sequence[str]) -> Network:
    model, chosen = chosen_model(overlay, settings)
    if model.needs_messages and network.is_bitcoin:
        raise MisuseError(
            f"--overlay {overlay}: this network model has messages of its own, and {network.name} speaks Bitcoin's only"
        )
    return replace(network, overlay=overlay, overlay_settings=chosen, own_messages=not network.is_bitcoin)


def assign_roles(name: str, model: ModelForm, count: int) -> tuple[str, ...]:
    """A role for each of so many nodes of the model of that name. Raises MisuseError where they are too few."""
    common = model.roles[0]
    for role in model.roles:
        if role in _LEANED_ON:
            number = _LEANED_ON[role](count)
            if number >= count:
                raise MisuseError(
                    f"a lab of the network model {name} has at least {number + 1} nodes, of which {number} "
                    f"with the role {role}; not {count}"
                )
            return (role,) * number + (common,) * (count - number)
    return (common,) * count
