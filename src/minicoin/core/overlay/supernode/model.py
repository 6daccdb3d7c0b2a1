"""The model in one of its two roles."""

from minicoin.core.overlay.contract import Overlay, OverlaySetup
from minicoin.core.overlay.supernode.leaf import LeafOverlay
from minicoin.core.overlay.supernode.settings import SUPER
from minicoin.core.overlay.supernode.super import SuperOverlay


def make_supernode(setup: OverlaySetup) -> Overlay:
    """A leaf or a super node, as the node's role is. Raises DecodeError, MisuseError."""
    return SuperOverlay(setup) if setup.role == SUPER else LeafOverlay(setup)
