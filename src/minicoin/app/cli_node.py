"""The short verbs that ask a running node: stop, getinfo, printchain, rpc; and `chain info`."""

import time
from typing import Annotated

import typer

from minicoin.app.client import as_array, as_object
from minicoin.app.invocation import Invocation, fail
from minicoin.app.show import Table, describe
from minicoin.core.faults import MisuseError
from minicoin.rpc.auth import read_cookie
from minicoin.rpc.json_text import Json, decode_json, format_json

_STOP_WAIT_S = 60
_STOP_POLL_S = 0.05
_BLOCKS_SHOWN = 10
# Bitcoin Core's name for the table of which arguments are text.
_CONVERSIONS = "dump_all_command_conversions"


def stop(invocation: Invocation) -> None:
    """Stop the running node, and wait until it has ended."""
    invocation.call("stop")
    deadline = time.monotonic() + _STOP_WAIT_S
    while read_cookie(invocation.datadir) is not None:
        if time.monotonic() > deadline:
            fail(invocation, f"the node has not ended within {_STOP_WAIT_S} s")
        time.sleep(_STOP_POLL_S)
    invocation.show({"stopped": True}, "stopped")


def getinfo(invocation: Invocation) -> None:
    """The node at a glance: chain, peers, mempool, mining, wallet."""
    chain = as_object(invocation.call("getblockchaininfo"))
    network = as_object(invocation.call("getnetworkinfo"))
    mempool = as_object(invocation.call("getmempoolinfo"))
    mining = as_object(invocation.call("getmininginfo"))
    has_wallet = bool(as_array(invocation.call("listwallets")))
    found: dict[str, Json] = {
        "version": network["subversion"],
        "chain": chain["chain"],
        "blocks": chain["blocks"],
        "headers": chain["headers"],
        "bestblockhash": chain["bestblockhash"],
        "synced": not chain["initialblockdownload"],
        "difficulty": chain["difficulty"],
        "connections_in": network["connections_in"],
        "connections_out": network["connections_out"],
        "mempool": mempool["size"],
        "mining": mining["mining"],
        "uptime": invocation.call("uptime"),
        "datadir": str(invocation.datadir),
        "balance": invocation.call("getbalance") if has_wallet else None,
        "warnings": network["warnings"],
    }
    shown = dict(found)
    if "finalized" in chain:
        members = {"finalized": chain["finalized"], "anchor": chain["anchor"]}
        found |= members
        shown |= {name: _block_place(value) for name, value in members.items()}
    if not has_wallet:
        shown["balance"] = "no wallet (minicoin createwallet)"
    invocation.show(found, describe(shown))


def chain_info(invocation: Invocation) -> None:
    """The chain of a running node."""
    found = as_object(invocation.call("getblockchaininfo"))
    names = ("chain", "blocks", "headers", "bestblockhash", "difficulty", "verificationprogress", "size_on_disk")
    members = {name: _block_place(found[name]) for name in ("finalized", "anchor") if name in found}
    invocation.show(found, describe({name: found[name] for name in names} | members))


def _block_place(value: Json) -> Json:
    """A height and a hash on one line; a word as it is."""
    return f"{value['height']} {value['hash']}" if isinstance(value, dict) else value


def printchain(
    invocation: Invocation,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many blocks.")] = _BLOCKS_SHOWN,
    start: Annotated[
        int | None, typer.Option("--from", min=0, help="The first. [default: the latest]", show_default=False)
    ] = None,
) -> None:
    """The blocks of the best chain, highest last."""
    top = int(str(invocation.call("getblockcount")))
    first = max(top - count + 1, 0) if start is None else start
    if first > top:
        raise MisuseError(f"the chain ends at height {top}")
    rows: list[Json] = []
    for height in range(first, min(first + count, top + 1)):
        rows.append(invocation.call("getblock", invocation.call("getblockhash", height), 1))
    table = Table(">height", "hash", "time (UTC)", ">transactions", ">bytes")
    for block in map(as_object, rows):
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(str(block["time"]))))
        table.add(str(block["height"]), str(block["hash"]), moment, str(block["nTx"]), str(block["size"]))
    invocation.show(rows, table)


def rpc(
    invocation: Invocation,
    method: Annotated[str, typer.Argument(help="The method; `minicoin rpc help` lists them.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments; NAME=VALUE with --named.")] = None,
    named: Annotated[bool, typer.Option("--named", help="Arguments are NAME=VALUE.")] = False,
) -> None:
    """Call any RPC method."""
    texts = arguments or []
    if named:
        pairs = [text.partition("=") for text in texts]
        wrong = next((name for name, separator, _ in pairs if not separator), None)
        if wrong is not None:
            raise MisuseError(f"not NAME=VALUE: {wrong!r}")
        as_text = _text_arguments(invocation, method, [value for _, _, value in pairs])
        values = {name: _to_json(value, is_text=name in as_text) for name, _, value in pairs}
        result = invocation.client.call_named(method, **values)
    else:
        as_text = _text_arguments(invocation, method, texts)
        result = invocation.call(
            method, *(_to_json(text, is_text=position in as_text) for position, text in enumerate(texts))
        )
    invocation.show(result, result if isinstance(result, str) else format_json(result))


def _text_arguments(invocation: Invocation, method: str, texts: list[str]) -> frozenset[str | int]:
    """Names and positions of the arguments that are text. The node is asked only where it makes a difference."""
    if not any(_is_json(text) for text in texts):
        return frozenset()
    found: set[str | int] = set()
    for row in as_array(invocation.call("help", _CONVERSIONS)):
        assert isinstance(row, list)
        name, position, argument, is_text = row
        if name == method and is_text:
            found |= {int(str(position)), str(argument)}
    return frozenset(found)


def _is_json(text: str) -> bool:
    try:
        decode_json(text)
    except ValueError:
        return False
    return True


def _to_json(text: str, *, is_text: bool) -> Json:
    """What an argument means: text where the method takes text, else JSON, else text after all."""
    return text if is_text or not _is_json(text) else decode_json(text)
