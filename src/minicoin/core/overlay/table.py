"""The network models there are, by the names that network files and scenarios give them."""

from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.overlay import MakeOverlay, Overlay, OverlaySetup
from minicoin.core.overlay.everybody import EverybodyOverlay
from minicoin.core.overlay.random import RandomOverlay

OVERLAYS: Final[dict[str, MakeOverlay]] = {
    "random": RandomOverlay,
    "everybody": EverybodyOverlay,
}


def make_overlay(name: str, setup: OverlaySetup) -> Overlay:
    """The model of that name. Raises MisuseError that names those there are."""
    maker = OVERLAYS.get(name)
    if maker is None:
        raise MisuseError(f"no network model {name!r}; there are {', '.join(OVERLAYS)}")
    return maker(setup)
