"""Reads an anchor's file; its form is core/policy/anchor's."""

from pathlib import Path

from minicoin.app.toml_file import read_toml
from minicoin.core.faults import MisuseError
from minicoin.core.params.network import Network
from minicoin.core.params.table import NotToml
from minicoin.core.policy.anchor import Anchor, anchor_from_mapping


def read_anchor(path: Path, network: Network) -> Anchor:
    """Raises MisuseError that names the file and what is wrong with it."""
    try:
        return anchor_from_mapping(read_toml(path), network)
    except OSError as error:
        raise MisuseError(f"cannot read the anchor file {path}: {error.strerror}") from error
    except NotToml as error:
        raise MisuseError(f"{path} is not TOML: {error}") from error
    except MisuseError as error:
        raise MisuseError(f"{path}: {error}") from error
