"""An anchor: the block that a newcomer's operator vouches for, so that nobody can show it another history.

Certificates prove a history only as long as old keys are kept secret: whoever finds a quorum of keys that members gave
up years ago could sign a second one, and the work in it costs nothing. A newcomer cannot tell the two apart by itself.
So a member hands it, by a way of their own, a file with a block of the chain, who signs behind it, and who may connect.
What lies below is checked as ever; a chain that has another block there, or other signers, is refused.

This is the file's form, read and written: TOML, every key once. Touches no file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.params.table import TomlTable
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.admission import AdmissionRecord
from minicoin.core.signers.certificate import Certificate
from minicoin.core.signers.members import KEY_BYTES, MemberList

_SOURCE: Final = "anchor file"
_HEIGHT_MAX: Final = (1 << 32) - 2


@dataclass(frozen=True, slots=True)
class Anchor:
    """`members` sign the block behind the anchored one; `admission` says who may connect, and is None where anybody
    may."""

    height: int
    block: BlockHash
    members: MemberList
    admission: AdmissionRecord | None = None

    def contradiction(self, certificate: Certificate) -> str | None:
        """Why the chain of this certificate is not the anchor's; None where it is, or the anchor lies elsewhere."""
        if certificate.height != self.height:
            return None
        if certificate.block != self.block:
            found, wanted = hash_to_hex(certificate.block), hash_to_hex(self.block)
            return f"at height {self.height} it has block {found}, and the anchor names {wanted}"
        if certificate.next_members != self.members.hash:
            return f"other members sign behind height {self.height} than the anchor names"
        return None


def anchor_from_mapping(mapping: Mapping[str, object], network: Network) -> Anchor:
    """The anchor that a parsed file describes. Raises MisuseError: for a mistake, which it names by its key, for the
    anchor of another network, and on a network that has none."""
    if not isinstance(network.proof, SignersKind):
        raise MisuseError(f"an anchor is for networks whose blocks members sign, and {network.name} is not one")
    table = TomlTable(mapping, "", _SOURCE)
    network_id = table.octets("network_id", len(network.network_id))
    anchor = Anchor(
        height=table.integer("height", 1, _HEIGHT_MAX),
        block=table.block_hash("hash"),
        members=_members(table),
        admission=_admission(table),
    )
    table.finish()
    if network_id != network.network_id:
        other = network_id.hex()
        raise table.wrong("network_id", f"is {other}: it is of another network than {network.name}")
    return anchor


def anchor_to_toml(anchor: Anchor, network: Network) -> str:
    """The text that anchor_from_mapping reads back as an equal anchor."""
    keys = "".join(f'  "{key.hex()}",\n' for key in anchor.members.keys)
    admission = b"" if anchor.admission is None else anchor.admission.encode()
    return (
        f"# An anchor of {network.name}: minicoin startnode --anchor FILE\n"
        f'network_id = "{network.network_id.hex()}"\n'
        f"height = {anchor.height}\n"
        f'hash = "{hash_to_hex(anchor.block)}"\n'
        f"# Who signs behind it.\nmembers = [\n{keys}]\n"
        f'# Who may connect; empty: anybody.\nadmission = "{admission.hex()}"\n'
    )


def _admission(table: TomlTable) -> AdmissionRecord | None:
    octets = table.octets("admission", default="")
    try:
        return AdmissionRecord.decode(octets) if octets else None
    except DecodeError as error:
        raise table.wrong("admission", f"is no admission: {error}") from error


def _members(table: TomlTable) -> MemberList:
    keys: list[bytes] = []
    for text in table.texts("members"):
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise table.wrong("members", f"must hold keys of {KEY_BYTES} bytes in hexadecimal, not {text[:80]!r}")
        keys.append(key)
    try:
        return MemberList(tuple(keys))
    except MisuseError as error:
        raise table.wrong("members", f"is no list of members: {error}") from error
