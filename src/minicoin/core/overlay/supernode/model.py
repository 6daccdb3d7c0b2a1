"""The model in one of its roles."""

from minicoin.core.overlay.contract import Overlay, OverlaySetup
from minicoin.core.overlay.supernode.auto import AutoOverlay
from minicoin.core.overlay.supernode.leaf import LeafOverlay
from minicoin.core.overlay.supernode.settings import AUTO, SUPER
from minicoin.core.overlay.supernode.super import SuperOverlay


def make_supernode(setup: OverlaySetup) -> Overlay:
    """A leaf, a super node, or either as it is needed, as the node's role is. Raises DecodeError, MisuseError."""
    if setup.role == AUTO:
        return AutoOverlay(setup)
    return SuperOverlay(setup) if setup.role == SUPER else LeafOverlay(setup)
