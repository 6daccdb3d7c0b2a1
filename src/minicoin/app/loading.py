"""Modules that are loaded when they are needed: what a command does not use costs it no time."""

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """A module of `minicoin.app` that is needed from here on."""
    return importlib.import_module(f"minicoin.app.{name}")
