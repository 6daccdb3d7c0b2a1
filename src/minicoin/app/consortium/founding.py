"""Makes the network of the banks that asked: who signs, what block 1 pays out, one network id for all of it.

Whoever runs this sees public parts only. Every bank can run it on the same requests and gets the same network id, if
the day is the same: that is how each checks what it is handed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from minicoin.app.consortium.request import REQUEST_SUFFIX, FoundingRequest, read_request
from minicoin.app.show import counted
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.limits import MANUAL_ADDRESSES_MAX, MEMBERS_MAX
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.genesis import GenesisRecipe, find_genesis_nonce
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SIGNERS_BITS, Retarget, RetargetKind, SignersKind
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.target import bits_to_target
from minicoin.core.script.standard import AddressError, address_script
from minicoin.core.signers.admission import AdmissionRow, AdmittedRole, first_admission
from minicoin.core.units import COIN_SAT, MONEY_MAX_SAT

# With fewer, a quorum is all of them, or two: f is 0.
MEMBERS_FOR_A_LIAR: Final = 4
_PORTS: Final = (27433, 27432)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the founders agree on beside who they are."""

    name: str
    prefix: str
    day: int
    """A day's first second in Unix time: the genesis block's."""
    min_interval_s: int
    empty_after_s: int
    is_open: bool
    """Anybody may connect; else only the nodes of the banks."""
    is_private: bool
    """Nodes live on loopback or private addresses."""
    ports: tuple[int, int] = _PORTS
    """Of nodes and of their RPC."""


def collect_requests(directory: Path, network: str) -> tuple[FoundingRequest, ...]:
    """The requests in a directory, by their files' names. Raises MisuseError that says which two collide."""
    paths = sorted(directory.glob(f"*{REQUEST_SUFFIX}")) if directory.is_dir() else []
    if not paths:
        raise MisuseError(
            f"no *{REQUEST_SUFFIX} in {directory}: each bank makes one with `minicoin consortium request`"
        )
    if len(paths) > MEMBERS_MAX:
        raise MisuseError(f"{len(paths)} requests in {directory}, and a network has at most {MEMBERS_MAX} members")
    requests: list[FoundingRequest] = []
    taken: dict[str, Path] = {}
    for path in paths:
        request = read_request(path)
        if request.network != network:
            raise MisuseError(f"{path}: {request.bank} asks for the network {request.network}, not {network}")
        marks = [f"the bank {request.bank}", f"the key {request.key.hex()}"]
        for mark in (*marks, *(f"the node {peer}" for peer in request.nodes)):
            if mark in taken:
                raise MisuseError(f"{taken[mark]} and {path} both name {mark}: ask both banks, and leave one out")
            taken[mark] = path
        requests.append(request)
    return tuple(requests)


def read_allocation(
    texts: Sequence[str], requests: Sequence[FoundingRequest], form: AddressFormat
) -> tuple[tuple[bytes, int], ...]:
    """Of BANK=AMOUNT and ADDRESS=AMOUNT, in coins: (script, satoshi). Raises MisuseError."""
    banks = {request.bank: request for request in requests}
    paid = tuple(_payment(text, banks, form) for text in texts)
    total = sum(amount for _, amount in paid)
    if total > MONEY_MAX_SAT:
        raise MisuseError(
            f"--allocation adds up to {Decimal(total) / COIN_SAT} coins; at most {MONEY_MAX_SAT // COIN_SAT}"
        )
    return paid


def _payment(text: str, banks: Mapping[str, FoundingRequest], form: AddressFormat) -> tuple[bytes, int]:
    payee, _, amount_text = text.rpartition("=")
    try:
        amount = Decimal(amount_text) * COIN_SAT
        if not payee or amount != int(amount) or not 0 < amount <= MONEY_MAX_SAT:
            raise ValueError
    except (InvalidOperation, ValueError, OverflowError):
        raise MisuseError(
            f"--allocation {text!r}: expected BANK=AMOUNT or ADDRESS=AMOUNT, in coins of at most 8 decimals"
        ) from None
    if payee in banks:
        if not banks[payee].pay_to:
            raise MisuseError(
                f"--allocation {text!r}: the request of {payee} names nowhere to pay; give an address in its place"
            )
        return banks[payee].pay_to, int(amount)
    try:
        return address_script(payee, form), int(amount)
    except AddressError as error:
        known = ", ".join(banks)
        raise MisuseError(
            f"--allocation {text!r}: {payee} is no bank of these ({known}), and as an address: {error}"
        ) from error


def address_format(prefix: str) -> AddressFormat:
    """Of a consortium's addresses."""
    base = NETWORKS["main"].address_format
    return AddressFormat(base.p2pkh, base.p2sh, prefix)


def make_network(
    terms: Terms, requests: Sequence[FoundingRequest], allocation: tuple[tuple[bytes, int], ...]
) -> Network:
    """The network that these banks sign."""
    members = sorted((request.key, request.bank) for request in requests)
    proof = SignersKind(
        members=tuple(key for key, _ in members),
        names=tuple(bank for _, bank in members),
        min_interval_s=terms.min_interval_s,
        allocation=allocation,
        admission=b"" if terms.is_open else first_admission(_rows(requests)).encode(),
        empty_after_s=terms.empty_after_s,
    )
    main = NETWORKS["main"]
    recipe = GenesisRecipe(
        f"minicoin consortium {terms.name}", terms.day, SIGNERS_BITS, 0, main.genesis_recipe.output_script, 0
    )
    limit = bits_to_target(SIGNERS_BITS)
    assert limit is not None
    return Network(
        name=terms.name,
        genesis_recipe=find_genesis_nonce(recipe),
        pow_limit=limit,
        spacing_s=terms.empty_after_s,
        retarget=Retarget(RetargetKind.NONE),
        address_format=address_format(terms.prefix),
        keys=main.keys,
        default_port=terms.ports[0],
        rpc_port=terms.ports[1],
        proof=proof,
        subsidy_sat=0,
        coinbase_maturity=1,
        allow_private_addresses=terms.is_private,
        overlay="everybody",
        own_messages=True,
        nodes=_nodes(requests),
    )


def _nodes(requests: Sequence[FoundingRequest]) -> tuple[str, ...]:
    """Where the banks' nodes listen, in the order of their keys, as everybody's file is to have it. Raises
    MisuseError."""
    nodes = tuple(
        join_address(replace(NodeAddress.parse(address, 0), peer_id=request.node.multihash))
        for request in sorted(requests, key=lambda request: request.key)
        for address in request.addresses
    )
    if len(nodes) > MANUAL_ADDRESSES_MAX:
        raise MisuseError(
            f"the requests name {len(nodes)} addresses, and a network file holds {MANUAL_ADDRESSES_MAX} at most: have "
            "each bank name fewer"
        )
    return nodes


def _rows(requests: Sequence[FoundingRequest]) -> Iterator[AdmissionRow]:
    for request in requests:
        yield AdmissionRow(request.bank, AdmittedRole.SIGNER, request.key, (request.node.multihash,))
        if request.observers:
            observers = tuple(peer.multihash for peer in request.observers)
            yield AdmissionRow(request.bank, AdmittedRole.OBSERVER, None, observers)


def warnings_of(network: Network, requests: Sequence[FoundingRequest]) -> tuple[str, ...]:
    """What the founders should know before they agree."""
    proof = network.proof
    assert isinstance(proof, SignersKind)
    members, found = proof.founding_list, []
    if len(members) < MEMBERS_FOR_A_LIAR:
        few = counted(len(members), "member tolerates", "members tolerate")
        found.append(f"{few} no liar: from {MEMBERS_FOR_A_LIAR} on, one of them may lie")
    if members.quorum == len(members):
        found.append("a block needs every member: while one is down, none is signed")
    if not proof.allocation:
        found.append("no --allocation: this network will never have coins, and a payment needs some")
    if not proof.admission:
        found.append("--open: any node of this network may connect and read along")
    unlisted = [request.bank for request in requests if not request.addresses]
    if unlisted:
        found.append(
            f"the file will not say where the nodes of these listen: {', '.join(unlisted)}; others learn it from a "
            "registry, or by -d"
        )
    return tuple(found)
