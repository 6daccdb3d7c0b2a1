"""What a bank asks for when a network of signers is founded: a public file, signed by its own key.

    # Bank A asks to sign the blocks of five. Public: nothing in here is secret.
    network = "five"
    bank = "Bank A"
    key = "..."                                # signs blocks; x-only
    node = "12D3KooW..."                       # the node that signs
    observers = ["12D3KooW..."]                # its other nodes, which look on
    addresses = ["a.example:27433"]            # where the node that signs listens
    pay_to = "0014..."                         # where its coins go: an output script; may be empty
    signature = "..."                          # BIP340, by the key, over all of it

The signature shows that the bank holds the key, and that nothing was changed or mistyped on the way. It does not show
who the bank is: whoever founds the network reads the keys aloud over a telephone, or has the files from known hands.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from coincurve import PrivateKey

from minicoin.app.toml_file import read_toml
from minicoin.core.crypto.hashing import tagged_hash
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import ADMISSION_PEER_IDS_PER_ROW_MAX, ALLOCATION_SCRIPT_BYTES_MAX, MEMBER_NAME_BYTES_MAX
from minicoin.core.params.table import NotToml, TomlTable, quote
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.signers.members import KEY_BYTES
from minicoin.core.signers.votes import SIGNATURE_BYTES, verifies

REQUEST_SUFFIX: Final = ".request.toml"
_ADDRESSES_MAX: Final = 16
_FILE_BYTES_MAX: Final = 32 << 10
_TAG: Final = "minicoin/consortium-request"


@dataclass(frozen=True, slots=True)
class FoundingRequest:
    """One bank's. `addresses` are HOST:PORT."""

    network: str
    bank: str
    key: bytes
    node: PeerId
    observers: tuple[PeerId, ...] = ()
    addresses: tuple[str, ...] = ()
    pay_to: bytes = b""
    signature: bytes = b""

    @property
    def nodes(self) -> tuple[PeerId, ...]:
        """All of them, the one that signs first."""
        return (self.node, *self.observers)

    @property
    def digest(self) -> bytes:
        """What the signature is made over."""
        return tagged_hash(_TAG, "\n".join(self._lines()).encode())

    def signed_by(self, key: PrivateKey) -> "FoundingRequest":
        return replace(self, signature=key.sign_schnorr(self.digest, bytes(32)))

    def to_toml(self) -> str:
        head = f"# {self.bank} asks to sign the blocks of {self.network}. Public: nothing in here is secret."
        return "\n".join((head, *self._lines(), f'signature = "{self.signature.hex()}"')) + "\n"

    def _lines(self) -> list[str]:
        return [
            f"network = {quote(self.network)}",
            f"bank = {quote(self.bank)}",
            f'key = "{self.key.hex()}"',
            f"node = {quote(str(self.node))}",
            f"observers = [{', '.join(quote(str(peer)) for peer in self.observers)}]",
            f"addresses = [{', '.join(map(quote, self.addresses))}]",
            f'pay_to = "{self.pay_to.hex()}"',
        ]


def check_bank(name: str) -> str:
    """The name of a bank. Raises MisuseError."""
    if not 1 <= len(name.encode()) <= MEMBER_NAME_BYTES_MAX or not name.isprintable() or name != name.strip():
        raise MisuseError(
            f"a bank's name has 1 to {MEMBER_NAME_BYTES_MAX} bytes, all of which can be shown: {name[:80]!r}"
        )
    return name


def check_nodes(request: FoundingRequest) -> None:
    """Raises MisuseError."""
    if len(request.observers) > ADMISSION_PEER_IDS_PER_ROW_MAX:
        raise MisuseError(
            f"{len(request.observers)} observers, and a bank has at most {ADMISSION_PEER_IDS_PER_ROW_MAX}"
        )
    if len(dict.fromkeys(request.nodes)) != len(request.nodes):
        raise MisuseError(f"the request of {request.bank} names one node twice")


def check_address(text: str) -> str:
    """HOST:PORT. Raises MisuseError."""
    try:
        address = NodeAddress.parse(text, 0)
    except DecodeError as error:
        raise MisuseError(str(error)) from error
    if not address.port:
        raise MisuseError(f"not an address: {text[:100]!r} (expected HOST:PORT)")
    return str(address)


def read_request(path: Path) -> FoundingRequest:
    """A bank's request, whose signature holds. Raises MisuseError that names the file."""
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise MisuseError(f"it has more than {_FILE_BYTES_MAX} bytes")
        request = _read(TomlTable(read_toml(path), "", "request"))
        if not verifies(request.key, request.signature, request.digest):
            raise MisuseError(
                f"the signature of {request.bank} does not hold: the file was changed or mistyped; ask for it again"
            )
    except OSError as error:
        raise MisuseError(f"cannot read {path}: {error.strerror}") from error
    except NotToml as error:
        raise MisuseError(f"{path} is not TOML: {error}") from error
    except MisuseError as error:
        raise MisuseError(f"{path}: {error}") from error
    return request


def _read(table: TomlTable) -> FoundingRequest:
    request = FoundingRequest(
        network=table.text("network"),
        bank=check_bank(table.text("bank")),
        key=table.octets("key", KEY_BYTES),
        node=_peer(table, "node", table.text("node")),
        observers=tuple(_peer(table, "observers", text) for text in table.texts("observers")),
        addresses=tuple(check_address(text) for text in table.texts("addresses")),
        pay_to=table.octets("pay_to", default=""),
        signature=table.octets("signature", SIGNATURE_BYTES),
    )
    table.finish()
    check_nodes(request)
    if len(request.addresses) > _ADDRESSES_MAX:
        raise table.wrong("addresses", f"holds {len(request.addresses)}, at most {_ADDRESSES_MAX}")
    if len(request.pay_to) > ALLOCATION_SCRIPT_BYTES_MAX:
        raise table.wrong("pay_to", f"has {len(request.pay_to)} bytes, at most {ALLOCATION_SCRIPT_BYTES_MAX}")
    return request


def _peer(table: TomlTable, name: str, text: str) -> PeerId:
    try:
        return PeerId.parse(text)
    except DecodeError as error:
        raise table.wrong(name, f"holds {text[:80]!r}, which is no peer id") from error
