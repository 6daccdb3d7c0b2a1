"""The recoveries that a node's configuration names: files in its data directory, and those that its start is given.

What is named once stays named: a chain that went on by a recovery cannot be read without it.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from minicoin.app.toml_file import read_toml
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RECOVERIES_NAMED_MAX
from minicoin.core.params.network import Network
from minicoin.core.params.recovery_file import RecoveryFile, recovery_from_mapping, recovery_to_toml
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.table import NotToml
from minicoin.core.primitives.block import RawBlock

FOLDER: Final = "recoveries"
_SUFFIX: Final = ".toml"


@dataclass(frozen=True, slots=True)
class NamedRecoveries:
    """`network` with all of them, the blocks that came with them, and those that are not in the data directory yet."""

    network: Network
    blocks: tuple[RawBlock, ...] = ()
    fresh: tuple[RecoveryFile, ...] = ()


def read_recovery(path: Path, network: Network) -> RecoveryFile:
    """Raises MisuseError that names the file and what is wrong with it."""
    try:
        return recovery_from_mapping(read_toml(path), network)
    except OSError as error:
        raise MisuseError(f"cannot read the recovery file {path}: {error.strerror}") from error
    except NotToml as error:
        raise MisuseError(f"{path} is not TOML: {error}") from error
    except MisuseError as error:
        raise MisuseError(f"{path}: {error}") from error


def name_recoveries(network: Network, datadir: Path, given: Iterable[Path] = ()) -> NamedRecoveries:
    """The network as this data directory and these files have it. Raises MisuseError."""
    paths = tuple(path.expanduser() for path in given)
    kept = sorted((datadir / FOLDER).glob(f"*{_SUFFIX}"))
    if not kept and not paths:
        return NamedRecoveries(network)
    if len(kept) + len(paths) > RECOVERIES_NAMED_MAX:
        raise MisuseError(f"{len(kept) + len(paths)} recoveries are named, at most {RECOVERIES_NAMED_MAX} can be")
    known = [read_recovery(path, network) for path in kept]
    fresh = [read_recovery(path, network) for path in paths]
    proof = network.proof
    # read_recovery refuses networks that have none.
    assert isinstance(proof, SignersKind)
    files = {file.recovery.hash: file for file in (*known, *fresh)}
    own = tuple(one for one in proof.recoveries if one.hash not in files)
    named = replace(proof, recoveries=(*own, *(file.recovery for file in files.values())))
    hashes = {file.recovery.hash for file in known}
    return NamedRecoveries(
        replace(network, proof=named),
        tuple(file.block for file in files.values() if file.block is not None),
        tuple(file for file in fresh if file.recovery.hash not in hashes),
    )


def keep_recoveries(named: NamedRecoveries, datadir: Path) -> None:
    """From now on they are named by the data directory. Raises MisuseError."""
    for file in named.fresh:
        path = datadir / FOLDER / f"{file.recovery.hash.hex()}{_SUFFIX}"
        write_text(path, recovery_to_toml(file, named.network))


def write_text(path: Path, text: str) -> None:
    """The whole of it or nothing. Raises MisuseError."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise MisuseError(f"cannot write {path}: {error.strerror}") from error
