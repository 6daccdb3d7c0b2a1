"""`minicoin network`: the networks this program knows."""

from typing import Annotated

import typer

from minicoin.app.invocation import Invocation
from minicoin.app.networks import find_network, own_networks
from minicoin.app.show import Table
from minicoin.core.params.builtin import NETWORKS
from minicoin.core.params.toml_text import network_to_toml
from minicoin.rpc.json_text import Json


def list_networks(invocation: Invocation) -> None:
    """Every network by name."""
    networks = [*NETWORKS.values(), *(find_network(name) for name in own_networks() if name not in NETWORKS)]
    rows: Json = [
        {
            "name": network.name,
            "network_id": network.network_id.hex(),
            "port": network.default_port,
            "rpcport": network.rpc_port,
            "spacing_s": network.spacing_s,
            "bitcoin": network.is_bitcoin,
        }
        for network in networks
    ]

    table = Table("name", "network id", ">port", ">RPC port", ">block every", "kind")
    for network in networks:
        kind = "bitcoin" if network.is_bitcoin else "minicoin"
        table.add(
            network.name,
            network.network_id.hex()[:16],
            str(network.default_port),
            str(network.rpc_port),
            f"{network.spacing_s} s",
            kind,
        )
    invocation.show(rows, table)


def show_network(invocation: Invocation, name: Annotated[str, typer.Argument(help="A name or a .toml file.")]) -> None:
    """A network's rules as TOML."""
    network = find_network(name)
    text = network_to_toml(network)
    shown: Json = {"name": network.name, "network_id": network.network_id.hex(), "toml": text}
    invocation.show(shown, text.rstrip())
