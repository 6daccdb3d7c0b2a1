"""What makes each of the network models that `forms` names."""

from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.overlay.contract import MakeOverlay
from minicoin.core.overlay.everybody import EverybodyOverlay
from minicoin.core.overlay.forms import FORMS
from minicoin.core.overlay.gossip.model import GossipOverlay
from minicoin.core.overlay.index.model import IndexOverlay
from minicoin.core.overlay.kademlia.model import KademliaOverlay
from minicoin.core.overlay.random import RandomOverlay
from minicoin.core.overlay.supernode.model import make_supernode
from minicoin.core.params.models import ModelForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow(ModelForm):
    """One row: what there is to choose, and what makes it."""

    make: MakeOverlay


def _row(name: str, make: MakeOverlay) -> ModelRow:
    form = FORMS[name]
    return ModelRow(
        make=make,
        roles=form.roles,
        settings=form.settings,
        questions=form.questions,
        needs_messages=form.needs_messages,
    )


OVERLAYS: Final[dict[str, ModelRow]] = {
    name: _row(name, make)
    for name, make in (
        ("random", RandomOverlay),
        ("everybody", EverybodyOverlay),
        ("gossip", GossipOverlay),
        ("index", IndexOverlay),
        ("supernode", make_supernode),
        ("kademlia", KademliaOverlay),
    )
}


def find_model(name: str) -> ModelRow:
    """The model of that name. Raises MisuseError that names those there are."""
    found = OVERLAYS.get(name)
    if found is None:
        raise MisuseError(f"no network model {name!r}; there are {', '.join(OVERLAYS)}")
    return found
