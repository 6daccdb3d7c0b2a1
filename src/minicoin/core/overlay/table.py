"""The network models there are, by the names that network files and scenarios give them."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.overlay import MakeOverlay
from minicoin.core.overlay.everybody import EverybodyOverlay
from minicoin.core.overlay.gossip.model import GossipOverlay
from minicoin.core.overlay.gossip.settings import SETTINGS as GOSSIP_SETTINGS
from minicoin.core.overlay.index import settings as index
from minicoin.core.overlay.index.model import IndexOverlay
from minicoin.core.overlay.kademlia import settings as kademlia
from minicoin.core.overlay.kademlia.model import KademliaOverlay
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.overlay.supernode import settings as supernode
from minicoin.core.overlay.supernode.model import make_supernode
from minicoin.core.params.models import ModelForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow(ModelForm):
    """One row: what there is to choose, and what makes it."""

    make: MakeOverlay


OVERLAYS: Final[dict[str, ModelRow]] = {
    "random": ModelRow(make=RandomOverlay),
    "everybody": ModelRow(make=EverybodyOverlay),
    "gossip": ModelRow(make=GossipOverlay, settings=GOSSIP_SETTINGS, needs_messages=True),
    "index": ModelRow(make=IndexOverlay, roles=index.ROLES, settings=index.SETTINGS, needs_messages=True),
    "supernode": ModelRow(make=make_supernode, roles=supernode.ROLES, settings=supernode.SETTINGS, needs_messages=True),
    "kademlia": ModelRow(
        make=KademliaOverlay,
        roles=kademlia.ROLES,
        settings=kademlia.SETTINGS,
        questions="kad/1.0.0",
        needs_messages=True,
    ),
}


def find_model(name: str) -> ModelRow:
    """The model of that name. Raises MisuseError that names those there are."""
    found = OVERLAYS.get(name)
    if found is None:
        raise MisuseError(f"no network model {name!r}; there are {', '.join(OVERLAYS)}")
    return found
