"""A recovery between operators: its file, read and written. TOML, every key once. Touches no file.

It holds a recovery with as many signatures as there are yet, and the block that its lock binds, where whoever wrote it
had that: the new members have to decide it, so somebody has to bring it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.table import TomlTable
from minicoin.core.primitives.block import RawBlock
from minicoin.core.signers.recovery import Recovery

_SOURCE: Final = "recovery file"


@dataclass(frozen=True, slots=True)
class RecoveryFile:
    """`block` is the one that binds, where it is at hand."""

    recovery: Recovery
    block: RawBlock | None = None


def recovery_from_mapping(mapping: Mapping[str, object], network: Network) -> RecoveryFile:
    """What a parsed file holds. Raises MisuseError: for a mistake, which it names by its key, for a recovery of another
    network, and on a network that has none."""
    if not isinstance(network.proof, SignersKind):
        raise MisuseError(f"a recovery is for networks whose blocks members sign, and {network.name} is not one")
    table = TomlTable(mapping, "", _SOURCE)
    network_id = table.octets("network_id", len(network.network_id))
    try:
        recovery = Recovery.decode(table.octets("recovery"))
    except DecodeError as error:
        raise table.wrong("recovery", f"cannot be read: {error}") from error
    raw = table.octets("block", default="")
    table.finish()
    if network_id != network.network_id:
        raise table.wrong("network_id", f"is {network_id.hex()}: it is of another network than {network.name}")
    try:
        block = RawBlock.parse(raw) if raw else None
    except DecodeError as error:
        raise table.wrong("block", f"cannot be read: {error}") from error
    if block is not None and (recovery.bound is None or block.hash != recovery.bound.block):
        raise table.wrong("block", "is not the one that the recovery binds")
    return RecoveryFile(recovery, block)


def recovery_to_toml(file: RecoveryFile, network: Network) -> str:
    """The text that recovery_from_mapping reads back."""
    recovery = file.recovery
    signers = "".join(f"#   {one.hex()}\n" for one in recovery.signers())
    named = "".join(
        f"#   {key.hex()} {name}\n" for key, name in zip(recovery.members.keys, recovery.names, strict=True)
    )
    return (
        f"# A recovery of {network.name} behind block {recovery.height}, {hash_to_hex(recovery.block)}.\n"
        f"# Its hash: {recovery.hash.hex()}\n"
        f"# Who signs from then on:\n{named}"
        f"# Who signed it:\n{signers}"
        "# Look at it, and sign it: minicoin recovery show FILE, minicoin recovery sign FILE\n"
        f'network_id = "{network.network_id.hex()}"\n'
        f'recovery = "{recovery.encode().hex()}"\n'
        f"# The block that it binds, if it does.\n"
        f'block = "{b"".hex() if file.block is None else file.block.raw.hex()}"\n'
    )
