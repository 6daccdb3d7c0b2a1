"""Networks by name: the built-in ones, this user's own, and files."""

import re
from collections.abc import Sequence
from pathlib import Path

from minicoin.app.places import NETWORK_SUFFIX, networks_directory, own_network_file
from minicoin.app.toml_file import read_toml
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.forms import FORMS
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.models import ModelForm, SettingValue
from minicoin.core.params.network import Network
from minicoin.core.params.table import NotToml
from minicoin.core.params.toml import GenesisUnmined, network_from_mapping
from minicoin.core.params.toml_text import network_to_toml

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_PREFIX_LETTERS_MAX = 20


def find_network(name: str) -> Network:
    """A built-in network, one of the user's own by name, or a file. Raises MisuseError."""
    if name in NETWORKS:
        return NETWORKS[name]
    path = Path(name).expanduser()
    if path.suffix != NETWORK_SUFFIX:
        path = own_network_file(name)
        if not path.exists():
            known = [*NETWORKS, *own_networks()]
            raise MisuseError(f"unknown network {name!r}; known are {', '.join(known)}, or the path of a .toml file")
    return read_network(path)


def read_network(path: Path) -> Network:
    """The network that a file describes. Raises MisuseError."""
    try:
        return network_from_mapping(read_network_table(path), FORMS)
    except GenesisUnmined as error:
        remedy = f"if its genesis was edited, find it anew: minicoin network genesis {path}"
        raise MisuseError(f"{path}: {error}; {remedy}") from error
    except MisuseError as error:
        raise MisuseError(f"{path}: {error}") from error


def read_network_table(path: Path) -> dict[str, object]:
    """The keys of a network file, not judged. Raises MisuseError."""
    try:
        return read_toml(path)
    except OSError as error:
        raise MisuseError(f"cannot read the network file: {error.strerror}") from error
    except NotToml as error:
        raise MisuseError(f"not TOML: {error}") from error


def check_new_name(name: str) -> None:
    """Raises MisuseError where a new network cannot be called that."""
    if not _NAME.fullmatch(name) or name in NETWORKS:
        raise MisuseError(f"not a name for a new network: {name!r} (lower-case letters, digits, hyphens; not taken)")


def prefix_of(name: str) -> str:
    """What the addresses of a new network begin with, unless something else was chosen."""
    return name.replace("-", "")[:_PREFIX_LETTERS_MAX] or "mc"


def write_network(network: Network, path: Path) -> None:
    """Write a network's file. Raises MisuseError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(network_to_toml(network))
        # What nodes will read must be what was meant.
        if read_network(path).network_id != network.network_id:
            raise AssertionError("the file does not give the network back")
    except OSError as error:
        raise MisuseError(f"cannot write {path}: {error.strerror}") from error
    except MisuseError:
        path.unlink(missing_ok=True)
        raise


def chosen_model(overlay: str, settings: Sequence[str]) -> tuple[ModelForm, tuple[tuple[str, SettingValue], ...]]:
    """What --overlay and the words of --overlay-setting choose, all settings of the model. Raises MisuseError."""
    model = FORMS.get(overlay)
    if model is None:
        raise MisuseError(f"no network model {overlay!r} for --overlay; there are {', '.join(FORMS)}")
    try:
        return model, tuple(model.complete(model.parse(tuple(settings))).items())
    except MisuseError as error:
        raise MisuseError(f"--overlay-setting: {error}") from error


def own_networks() -> list[str]:
    """The names of the user's own networks."""
    directory = networks_directory()
    return sorted(path.stem for path in directory.glob(f"*{NETWORK_SUFFIX}")) if directory.is_dir() else []
