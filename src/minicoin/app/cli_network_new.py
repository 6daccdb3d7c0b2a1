"""`minicoin network new`: a network of one's own, as a TOML file."""

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from minicoin.app.invocation import Invocation
from minicoin.app.networks import check_new_name, chosen_model, prefix_of, write_network
from minicoin.app.places import networks_directory
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.overlay.forms import FORMS
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.genesis import GenesisRecipe, find_genesis_nonce
from minicoin.core.params.network import OVERLAY
from minicoin.core.params.rules import RetargetKind
from minicoin.core.primitives.address_format import AddressFormat
from minicoin.core.primitives.target import bits_to_target
from minicoin.core.units import COIN_SAT
from minicoin.rpc.json_text import Json

# 2**16 hashes: a block in a tenth of a second at the start; the difficulty follows the miners from there.
_EASY_BITS = 0x1F00FFFF


def new_network(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    output: Annotated[
        Path | None, typer.Option("--out", help="The file to write. [default: this user's networks]")
    ] = None,
    message: Annotated[str, typer.Option(help="What the genesis block says; makes the network its own.")] = "",
    spacing: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds between blocks.")] = 60,
    subsidy: Annotated[float, typer.Option(min=0, help="New coins in each of the first blocks.")] = 50.0,
    halving: Annotated[int, typer.Option(min=1, help="Blocks until the subsidy halves.")] = 210_000,
    maturity: Annotated[int, typer.Option(min=1, help="Blocks until mined coins can be spent.")] = 100,
    prefix: Annotated[str, typer.Option("--prefix", help="What addresses begin with (hrp).")] = "",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where nodes listen.")] = 27333,
    rpc_port: Annotated[int, typer.Option("--rpc-port", min=1, max=65535, help="Where they take RPC.")] = 27332,
    private: Annotated[bool, typer.Option("--private", help="Nodes live on loopback or private addresses.")] = False,
    mdns: Annotated[
        bool, typer.Option("--mdns", help="Nodes look for each other on the local link; goes with --private.")
    ] = False,
    overlay: Annotated[str, typer.Option(help="How nodes connect and spread.", metavar="|".join(FORMS))] = OVERLAY,
    overlay_setting: Annotated[
        list[str] | None, typer.Option(help="A setting of the model, NAME=VALUE; repeatable.", metavar="NAME=VALUE")
    ] = None,
    own_messages: Annotated[
        bool,
        typer.Option("--own-messages/--no-own-messages", help="Nodes exchange records and letters beside the ledger."),
    ] = True,
    alert_key: Annotated[
        list[str] | None, typer.Option(help="Whose alerts every node shows; repeatable.", metavar="PEER_ID")
    ] = None,
    founder: Annotated[
        list[str] | None,
        typer.Option(help="Who signs the network's configuration with others; repeatable.", metavar="PEER_ID"),
    ] = None,
    founder_quorum: Annotated[
        int | None, typer.Option(min=1, help="How many founders it takes. [default: more than half of them]")
    ] = None,
    trivial: Annotated[bool, typer.Option("--trivial-work", help="As regtest: no work, blocks on demand.")] = False,
) -> None:
    """Define a network.

    Start nodes of it with `minicoin startnode --network NAME`.
    """
    check_new_name(name)
    model, settings = chosen_model(overlay, overlay_setting or ())
    if model.needs_messages and not own_messages:
        raise MisuseError(f"--no-own-messages: the network model {overlay} has messages of its own")
    founders = _peer_ids("--founder", founder or ())
    path = output or networks_directory() / f"{name}.toml"
    if path.exists():
        raise MisuseError(f"{path} exists already")
    base = NETWORKS["regtest" if trivial else "main"]
    bits = base.genesis_recipe.bits if trivial else _EASY_BITS
    recipe = GenesisRecipe(
        message or f"minicoin network {name}, {time.strftime('%Y-%m-%d', time.gmtime())}",
        int(time.time()) // 86_400 * 86_400,
        bits,
        0,
        base.genesis_recipe.output_script,
        round(subsidy * COIN_SAT),
    )
    retarget = (
        base.retarget if base.retarget.kind is RetargetKind.NONE else replace(base.retarget, half_life_s=60 * spacing)
    )
    network = replace(
        base,
        name=name,
        genesis_recipe=find_genesis_nonce(recipe),
        pow_limit=bits_to_target(bits) or base.pow_limit,
        spacing_s=spacing,
        retarget=retarget,
        subsidy_sat=round(subsidy * COIN_SAT),
        halving_interval=halving,
        coinbase_maturity=maturity,
        address_format=AddressFormat(base.address_format.p2pkh, base.address_format.p2sh, prefix or prefix_of(name)),
        default_port=port,
        rpc_port=rpc_port,
        allow_private_addresses=private or trivial,
        uses_mdns=mdns,
        overlay=overlay,
        overlay_settings=settings,
        own_messages=own_messages,
        alert_keys=_peer_ids("--alert-key", alert_key or ()),
        founders=founders,
        founder_quorum=(len(founders) // 2 + bool(founders)) if founder_quorum is None else founder_quorum,
    )
    write_network(network, path)
    shown: Json = {"name": name, "network_id": network.network_id.hex(), "file": str(path)}
    place = name if output is None else str(path)
    invocation.show(
        shown, f"wrote {path}\nnetwork id {network.network_id.hex()}\nstart: minicoin startnode --network {place}"
    )


def _peer_ids(option: str, texts: Iterable[str]) -> tuple[bytes, ...]:
    try:
        return tuple(PeerId.parse(text).multihash for text in texts)
    except DecodeError as error:
        raise MisuseError(f"{option}: {error}; `minicoin net id` shows a node's") from error
