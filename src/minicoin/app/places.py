"""Where things of this user are by default: the directories of nodes and the files of networks."""

from pathlib import Path
from typing import Final

from platformdirs import user_config_dir, user_data_dir

PROGRAM: Final = "minicoin"
DEFAULT_NETWORK: Final = "main"
NETWORK_SUFFIX: Final = ".toml"


def networks_directory() -> Path:
    """Where `network new` keeps the networks of this user."""
    return Path(user_config_dir(PROGRAM, appauthor=False)) / "networks"


def own_network_file(name: str) -> Path:
    """The file of a network of this user, whether it is there or not."""
    return networks_directory() / (name + NETWORK_SUFFIX)


def default_datadir(network_name: str) -> Path:
    """Where a network's node lives unless it is told otherwise."""
    return Path(user_data_dir(PROGRAM, appauthor=False)) / network_name
