"""`minicoin network check` and `genesis`: which rules differ, and the work of a genesis block that was changed."""

import re
from pathlib import Path
from typing import Annotated

import typer

from minicoin.app.invocation import Invocation
from minicoin.app.networks import find_network, read_network, read_network_table
from minicoin.app.show import EXIT_FAILED, Table
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.forms import FORMS
from minicoin.core.params.genesis import find_genesis_nonce
from minicoin.core.params.network import canonical_form, different_rules
from minicoin.core.params.toml import GenesisUnmined, network_from_mapping
from minicoin.rpc.json_text import Json

_Name = Annotated[str, typer.Argument(help="A network's name, or a .toml file.")]
_NONCE = re.compile(r"^(\s*nonce\s*=\s*)\d+", re.MULTILINE)


def check(invocation: Invocation, one: _Name, other: _Name) -> None:
    """Which rules of two networks differ.

    Exit code 0: none, their nodes talk to each other; 1: some. Ports, seeds and address prefixes are no rules.
    """
    first, second = find_network(one), find_network(other)
    differing = different_rules(*(canonical_form(network).decode() for network in (first, second)))
    rows: list[Json] = [{"rule": key, "one": ours, "other": theirs} for key, ours, theirs in differing]
    shown: Json = {
        "same": not rows,
        "network_ids": [first.network_id.hex(), second.network_id.hex()],
        "different": rows,
    }
    table = Table("rule", one, other)
    for key, ours, theirs in differing:
        table.add(key, ours, theirs)
    invocation.show(shown, table if rows else f"the same rules: network id {first.network_id.hex()}")
    if rows:
        raise typer.Exit(EXIT_FAILED)


def mine_genesis(invocation: Invocation, file: Annotated[Path, typer.Argument(help="The network file.")]) -> None:
    """Mine the genesis block of an edited network file.

    The file's nonce is replaced; nothing else of it changes. The network is another one then.
    """
    table = read_network_table(file)
    try:
        network_from_mapping(table, FORMS)
    except GenesisUnmined as unmined:
        nonce = find_genesis_nonce(unmined.recipe).nonce
    else:
        raise MisuseError(f"{file}: the genesis block has its work already")
    text = file.read_text(encoding="utf-8-sig")
    if len(_NONCE.findall(text)) != 1:
        raise MisuseError(f"{file}: write nonce = {nonce} into [genesis]")
    fresh = file.with_name(f".new-{file.name}")
    try:
        fresh.write_text(_NONCE.sub(rf"\g<1>{nonce}", text), encoding="utf-8")
        network = read_network(fresh)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    shown: Json = {"file": str(file), "nonce": nonce, "network_id": network.network_id.hex()}
    invocation.show(shown, f"{file}: nonce {nonce}, network id {network.network_id.hex()}")
