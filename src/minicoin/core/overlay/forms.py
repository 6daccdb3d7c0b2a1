"""The network models there are, by the names that files and scenarios give them, with what there is to choose of each.

Loads no model, so that whoever only reads a file or a command line waits for none.
"""

from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.overlay.gossip.settings import SETTINGS as GOSSIP_SETTINGS
from minicoin.core.overlay.index import settings as index
from minicoin.core.overlay.kademlia import settings as kademlia
from minicoin.core.overlay.supernode import settings as supernode
from minicoin.core.params.models import ModelForm

FORMS: Final[dict[str, ModelForm]] = {
    "random": ModelForm(),
    "everybody": ModelForm(),
    "gossip": ModelForm(settings=GOSSIP_SETTINGS, needs_messages=True),
    "index": ModelForm(roles=index.ROLES, settings=index.SETTINGS, needs_messages=True),
    "supernode": ModelForm(roles=supernode.ROLES, settings=supernode.SETTINGS, needs_messages=True),
    "kademlia": ModelForm(roles=kademlia.ROLES, settings=kademlia.SETTINGS, questions="kad/1.0.0", needs_messages=True),
}


def find_form(name: str) -> ModelForm:
    """What there is to choose of the model of that name. Raises MisuseError that names those there are."""
    found = FORMS.get(name)
    if found is None:
        raise MisuseError(f"no network model {name!r}; there are {', '.join(FORMS)}")
    return found
