"""`minicoin consortium`: a network whose blocks its members sign, founded without a single hand on all keys."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from minicoin.app.cli_keys import new_passphrase
from minicoin.app.consortium.founding import (
    Terms,
    address_format,
    collect_requests,
    make_network,
    read_allocation,
    warnings_of,
)
from minicoin.app.consortium.lab import BANKS_MAX, COINS_EACH, make_lab
from minicoin.app.consortium.request import REQUEST_SUFFIX, FoundingRequest, check_address, check_bank, check_nodes
from minicoin.app.consortium.seed_words import SEED_BYTES, first_script
from minicoin.app.identity import load_identity
from minicoin.app.invocation import Invocation
from minicoin.app.networks import check_new_name, prefix_of, write_network
from minicoin.app.places import default_datadir, networks_directory
from minicoin.app.show import counted, tolerated, warning_line
from minicoin.app.signing_key import (
    SIGNING_KEY_FILE,
    load_signing_key,
    make_signing_key,
)
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.script.standard import script_address
from minicoin.core.units import COIN_SAT
from minicoin.core.wallet.keys import mnemonic_from_entropy
from minicoin.rpc.json_text import Json

_DAY_S: Final = 86_400
_NameArgument = Annotated[str, typer.Argument(help="The network's: lower-case letters, digits, hyphens.")]


def request(
    invocation: Invocation,
    name: _NameArgument,
    bank: Annotated[str, typer.Option("--bank", help="The bank's name, as all will see it.")],
    address: Annotated[
        list[str] | None, typer.Option(help="Where the node listens; repeatable.", metavar="HOST:PORT")
    ] = None,
    observer: Annotated[
        list[str] | None,
        typer.Option(help="Another node of the bank, which only looks on; repeatable.", metavar="PEER_ID"),
    ] = None,
    wallet: Annotated[
        bool, typer.Option("--wallet", help="Make a wallet's seed words, and ask to be paid at its first address.")
    ] = False,
    pay_to: Annotated[
        str, typer.Option("--pay-to", help="Ask to be paid at an output script, in hexadecimal.", metavar="SCRIPT")
    ] = "",
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the signing key open; for laboratories.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="The file to write. [default: BANK.request.toml, here]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")] = False,
) -> None:
    """Ask to sign the blocks of a new network: makes the bank's key, and a public file to hand over.

    The key stays in the data directory, where the node will sign with it; made once, it is kept when this is called
    again.
    """
    check_new_name(name)
    check_bank(bank)
    addresses = tuple(check_address(text) for text in address or ())
    observers = tuple(_peer(text) for text in observer or ())
    if wallet and pay_to:
        raise MisuseError("--wallet and --pay-to both say where to pay: choose one")
    script = _script(pay_to)
    path = output or Path(f"{bank.lower().replace(' ', '-').replace('/', '-')}{REQUEST_SUFFIX}")
    if not path.name.endswith(REQUEST_SUFFIX):
        raise MisuseError(f"--out {path}: call it something{REQUEST_SUFFIX}, by which `consortium new` finds it")
    if path.exists():
        raise MisuseError(f"{path} exists already")
    datadir = invocation.datadir_given or default_datadir(name)
    key_file = datadir / SIGNING_KEY_FILE
    if dry_run:
        kept = "kept" if key_file.exists() else "made"
        plan: Json = {"key_file": str(key_file), "key": kept, "file": str(path)}
        invocation.show(plan, f"{key_file}: would be {kept}\n{path}: would be written\nnothing was done")
        return
    datadir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not key_file.exists():
        make_signing_key(datadir, None if no_passphrase else new_passphrase())
    key = load_signing_key(datadir)
    assert key is not None
    seed = os.urandom(SEED_BYTES) if wallet else b""
    made = FoundingRequest(
        name,
        bank,
        key.public_key_xonly.format(),
        load_identity(datadir).peer_id,
        observers,
        addresses,
        first_script(seed) if wallet else script,
    ).signed_by(key)
    check_nodes(made)
    path.write_text(made.to_toml())
    shown: dict[str, Json] = {
        "file": str(path),
        "bank": bank,
        "key": made.key.hex(),
        "key_file": str(key_file),
        "node": str(made.node),
        "observers": [str(one) for one in observers],
        "addresses": list(addresses),
        "pay_to": made.pay_to.hex(),
    }
    lines = [f"wrote {path}: hand it to whoever founds {name}; nothing in it is secret", f"key {made.key.hex()}"]
    lines.append(f"the secret is in {key_file}, with its sign state beside it: never run two nodes with one key")
    if wallet:
        shown["mnemonic"] = mnemonic_from_entropy(seed)
        lines += ["", "Write the wallet's words down, they are shown only now (`minicoin wallet restore` takes them):"]
        lines += ["", f"  {shown['mnemonic']}"]
    if no_passphrase:
        _warn(f"the signing key lies open in {key_file}: who reads that file signs as {bank}; for laboratories only")
    invocation.show(shown, "\n".join(lines))


def new(
    invocation: Invocation,
    name: _NameArgument,
    source: Annotated[
        Path | None, typer.Option("--from", help="The directory of the banks' requests.", metavar="DIR")
    ] = None,
    lab: Annotated[
        Path | None,
        typer.Option("--lab", help="Make all banks' keys and directories in here; for laboratories.", metavar="DIR"),
    ] = None,
    banks: Annotated[int, typer.Option(min=1, max=BANKS_MAX, help="How many banks --lab makes.")] = 5,
    allocation: Annotated[
        list[str] | None,
        typer.Option(
            help="What block 1 pays, in coins: to the script that a bank asked for, or to an address; repeatable.",
            metavar="BANK=AMOUNT",
        ),
    ] = None,
    interval: Annotated[int, typer.Option(min=1, max=_DAY_S, help="Seconds between blocks, at least.")] = 1,
    empty_after: Annotated[
        int,
        typer.Option("--empty-after", min=1, max=_DAY_S, help="Seconds after which a block comes without payments."),
    ] = 60,
    prefix: Annotated[str, typer.Option("--prefix", help="What addresses begin with (hrp).")] = "",
    date: Annotated[
        str | None, typer.Option(help="The genesis block's day. [default: today]", metavar="YYYY-MM-DD")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where nodes listen.")] = 27433,
    rpc_port: Annotated[int, typer.Option("--rpc-port", min=1, max=65535, help="Where they take RPC.")] = 27432,
    private: Annotated[bool, typer.Option("--private", help="Nodes live on loopback or private addresses.")] = False,
    is_open: Annotated[
        bool, typer.Option("--open", help="Anybody may connect. [default: only nodes that a request names]")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--out", help="The file to write. [default: this user's networks]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be, and write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
) -> None:
    """Found a network of the banks that asked: assembles their public requests into its file.

    Every bank that calls this with the same requests, options and --date gets the same network id.
    """
    check_new_name(name)
    if (source is None) == (lab is None):
        raise MisuseError("say where the requests are with --from DIR, or have all banks made with --lab DIR")
    path = output or (networks_directory() if lab is None else lab) / f"{name}.toml"
    if path.exists():
        raise MisuseError(f"{path} exists already")
    terms = Terms(
        name,
        prefix or prefix_of(name),
        int(time.time()) // _DAY_S * _DAY_S if date is None else _day(date),
        interval,
        empty_after,
        is_open,
        private or lab is not None,
        (port, rpc_port),
    )
    if lab is not None:
        if dry_run:
            raise MisuseError("--dry-run is of --from: what --lab makes is for laboratories, and easily made again")
        _found_lab(invocation, lab, banks, terms, allocation or (), path)
        return
    assert source is not None
    requests = collect_requests(source, name)
    network = make_network(terms, requests, read_allocation(allocation or (), requests, address_format(terms.prefix)))
    warnings = warnings_of(network, requests)
    shown = _network_json(network, requests, warnings)
    if dry_run:
        invocation.show(shown, "\n".join([*_describe(network, requests), f"{path}: would be written"]))
        _warn(*warnings)
        return
    if not yes:
        typer.echo("\n".join(_describe(network, requests)), err=True)
        _warn(*warnings)
        if not sys.stdin.isatty():
            raise MisuseError("nothing was written: look at it with --dry-run, then say --yes")
        typer.confirm(f"Write {path}?", abort=True, err=True)
    write_network(network, path)
    shown["file"] = str(path)
    place = name if output is None else str(path)
    lines = [
        f"wrote {path}",
        f"network id {network.network_id.hex()}",
        f"hand the file to every bank, which puts it into its own {path.parent} and runs:"
        if output is None
        else "hand the file to every bank, which runs, with where it has put the file:",
    ]
    invocation.show(shown, "\n".join([*lines, f"  minicoin startnode --network {place}"]))
    if yes:
        _warn(*warnings)


def _found_lab(
    invocation: Invocation, directory: Path, count: int, terms: Terms, allocation: Sequence[str], path: Path
) -> None:
    made = make_lab(terms.name, directory, count)
    requests = [bank.request for bank in made]
    chosen = allocation or [f"{request.bank}={COINS_EACH}" for request in requests]
    network = make_network(terms, requests, read_allocation(chosen, requests, address_format(terms.prefix)))
    write_network(network, path)
    shown = _network_json(network, requests, ())
    shown["file"] = str(path)
    shown["datadirs"] = {bank.request.bank: str(bank.datadir) for bank in made}
    lines = [*_describe(network, requests), f"wrote {path}"]
    first = join_address(NodeAddress("127.0.0.1", network.default_port, made[0].request.node.multihash))
    for index, bank in enumerate(made):
        ports = f"--listen {network.default_port + 2 * index} --rpcport {network.rpc_port + 2 * index}"
        dial = f" -d {first}" if index else ""
        lines.append(f"  minicoin startnode --network {path} --datadir {bank.datadir} {ports}{dial}")
    invocation.show(shown, "\n".join(lines))
    _warn("all keys were made by one hand and lie open: for laboratories only")


def _describe(network: Network, requests: Sequence[FoundingRequest]) -> list[str]:
    proof = _proof(network)
    members = proof.founding_list
    lines = [f"network {network.name}, id {network.network_id.hex()}", ""]
    for name, key in zip(proof.names, proof.members, strict=True):
        node = next(request.node for request in requests if request.key == key)
        lines.append(f"  {name}  key {key.hex()}  node {node}")
    lines += [
        "",
        f"{counted(len(members), 'member')}; a block takes {members.quorum}; "
        f"{tolerated(len(members), members.quorum, members.faults)}",
    ]
    lines.append(
        f"a block {proof.min_interval_s} s after the last at the soonest, {proof.empty_after_s} s without payments"
    )
    for script, amount in proof.allocation:
        payee = script_address(script, network.address_format) or script.hex()
        bank = next((request.bank for request in requests if request.pay_to == script), None)
        lines.append(f"block 1 pays {amount / COIN_SAT:.8f} to {payee}" + (f" ({bank})" if bank else ""))
    return lines


def _network_json(network: Network, requests: Sequence[FoundingRequest], warnings: Sequence[str]) -> dict[str, Json]:
    proof = _proof(network)
    members = proof.founding_list
    nodes = {request.key: str(request.node) for request in requests}
    rows: list[Json] = [
        {"name": name, "key": key.hex(), "node": nodes[key]}
        for name, key in zip(proof.names, proof.members, strict=True)
    ]
    paid: list[Json] = [
        {"script": script.hex(), "address": script_address(script, network.address_format), "amount_sat": amount}
        for script, amount in proof.allocation
    ]
    return {
        "name": network.name,
        "network_id": network.network_id.hex(),
        "members": rows,
        "quorum": members.quorum,
        "faults": members.faults,
        "allocation": paid,
        "nodes": list(network.nodes),
        "warnings": list(warnings),
    }


def _proof(network: Network) -> SignersKind:
    assert isinstance(network.proof, SignersKind)
    return network.proof


def _day(text: str) -> int:
    try:
        day = int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise MisuseError(f"--date {text!r}: expected YYYY-MM-DD") from None
    if not 0 <= day <= time.time():
        raise MisuseError(f"--date {text}: no block could follow a genesis block of that day")
    return day


def _peer(text: str) -> PeerId:
    try:
        return PeerId.parse(text)
    except DecodeError as error:
        raise MisuseError(f"--observer {text!r}: {error}; `minicoin net id` shows a node's") from error


def _script(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MisuseError(f"--pay-to {text!r} is no script in hexadecimal; --allocation takes addresses") from None


def _warn(*warnings: str) -> None:
    for warning in warnings:
        typer.echo(warning_line(warning), err=True)
