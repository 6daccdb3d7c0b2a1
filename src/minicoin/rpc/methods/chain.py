"""Blockchain methods that read the header tree: heights, hashes, headers, tips, deployments."""

from minicoin.core.commands import InvalidateBlock, ReconsiderBlock
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.bitcoin import chain_name
from minicoin.core.params.rules import SignetKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.queries.chain import SignedChain
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import UNKNOWN_BLOCK, Argument, Call, Category, Kind, Method, optional, require
from minicoin.rpc.shapes import JsonObject, difficulty, header_json, target_hex
from minicoin.rpc.warnings import warnings_of


async def get_blockchain_info(call: Call) -> Json:
    view = await call.port.query(lambda node: node.chain.view())
    network = call.port.network
    header = view.tip.header
    shape: JsonObject = {
        "chain": chain_name(network),
        "blocks": view.tip.height,
        "headers": view.best_header_height,
        "bestblockhash": hash_to_hex(header.hash),
        "bits": f"{header.bits:08x}",
        "target": target_hex(header.bits),
        "difficulty": difficulty(header.bits),
        "time": header.time,
        "mediantime": view.tip.median_time,
        "verificationprogress": view.progress,
        "initialblockdownload": view.is_initial,
        "chainwork": f"{view.tip.chainwork:064x}",
        "size_on_disk": _size_on_disk(call),
        "pruned": False,
        "network_id": network.network_id.hex(),
        "warnings": await warnings_of(call),
    }
    if isinstance(network.proof, SignetKind):
        shape["signet_challenge"] = network.proof.challenge.hex()
    signed = await call.port.query(lambda node: node.chain.signed_chain())
    return shape if signed is None else shape | _signed_shape(signed)


def _signed_shape(signed: SignedChain) -> JsonObject:
    anchor: Json = "unanchored"
    if signed.anchor is not None:
        anchor = {"height": signed.anchor_height, "hash": hash_to_hex(signed.anchor)}
    return {"finalized": {"height": signed.height, "hash": hash_to_hex(signed.hash)}, "anchor": anchor}


def _size_on_disk(call: Call) -> int:
    blocks = call.port.datadir / "blocks"
    return sum(path.stat().st_size for path in blocks.glob("*.dat")) if blocks.is_dir() else 0


async def get_best_block_hash(call: Call) -> Json:
    return hash_to_hex(await call.port.query(lambda node: node.chain.best_hash()))


async def get_block_count(call: Call) -> Json:
    return await call.port.query(lambda node: node.chain.height())


async def get_block_hash(call: Call) -> Json:
    height = call.integer("height")
    found = await call.port.query(lambda node: node.chain.hash_at(height))
    return hash_to_hex(require(found, RpcError(INVALID_PARAMETER, "Block height out of range")))


async def get_block_header(call: Call) -> Json:
    block = BlockHash(call.hash("blockhash"))
    view = require(await call.port.query(lambda node: node.chain.header(block)), UNKNOWN_BLOCK)
    if not call.flag("verbose"):
        return view.header.raw.hex()
    count = await call.port.read_chain(lambda chain: chain.transaction_count(block)) if view.is_stored else None
    return header_json(view, count or 0)


async def get_chain_tips(call: Call) -> Json:
    tips = await call.port.query(lambda node: node.chain.tips())
    return [
        {"height": tip.height, "hash": hash_to_hex(tip.hash), "branchlen": tip.branch_length, "status": tip.status}
        for tip in tips
    ]


async def get_difficulty(call: Call) -> Json:
    view = await call.port.query(lambda node: node.chain.view())
    return difficulty(view.tip.header.bits)


async def get_deployment_info(call: Call) -> Json:
    best = await call.port.query(lambda node: node.chain.best_hash())
    block = BlockHash(call.hash("blockhash")) if call.has("blockhash") else best
    view = require(await call.port.query(lambda node: node.chain.header(block)), UNKNOWN_BLOCK)
    statuses = await call.port.query(lambda node: node.chain.deployments(block))
    deployments: JsonObject = {}
    for status in statuses:
        row: JsonObject = {"type": "buried" if status.vote is None else "bip9", "active": status.is_active}
        if status.height is not None:
            row["height"] = status.height
        if status.vote is not None:
            bip9: JsonObject = {
                "bit": status.vote.bit,
                "start_time": status.vote.start_time,
                "timeout": status.vote.timeout,
                "min_activation_height": status.vote.min_activation_height,
                "status": str(status.state),
                "since": status.since,
            }
            if status.votes is not None:
                bip9["statistics"] = {
                    "period": status.votes.window,
                    "threshold": status.votes.threshold,
                    "elapsed": status.votes.elapsed,
                    "count": status.votes.count,
                    "possible": status.votes.is_possible,
                }
            row["bip9"] = bip9
        deployments[status.name] = row
    return {"hash": hash_to_hex(block), "height": view.height, "deployments": deployments}


async def invalidate_block(call: Call) -> Json:
    await call.port.command(InvalidateBlock(BlockHash(call.hash("blockhash"))))
    return None


async def reconsider_block(call: Call) -> Json:
    await call.port.command(ReconsiderBlock(BlockHash(call.hash("blockhash"))))
    return None


_HASH = Argument("blockhash", Kind.HASH, "The block's hash.")

METHODS = (
    Method(
        "getblockchaininfo",
        Category.CHAIN,
        "The state of the chain: height, tip, work, how far synchronisation has come.",
        "An object: chain, blocks, headers, bestblockhash, difficulty, mediantime, verificationprogress, "
        "initialblockdownload, chainwork, warnings and more. Where members sign the blocks also finalized (height, "
        "hash), and anchor: the block this node goes by, of --anchor or its own best at its start; or unanchored.",
        get_blockchain_info,
    ),
    Method(
        "getbestblockhash",
        Category.CHAIN,
        "The hash of the best block.",
        "The hash, as hex.",
        get_best_block_hash,
    ),
    Method("getblockcount", Category.CHAIN, "The height of the best block.", "A number.", get_block_count),
    Method(
        "getblockhash",
        Category.CHAIN,
        "The hash of the block at a height of the best chain.",
        "The hash, as hex.",
        get_block_hash,
        (Argument("height", Kind.INTEGER, "The height; the genesis block's is 0."),),
    ),
    Method(
        "getblockheader",
        Category.CHAIN,
        "A block's header, on any branch.",
        "An object with the header's fields, height, confirmations (-1 off the best chain), chainwork and neighbours; "
        "or 80 bytes as hex.",
        get_block_header,
        (_HASH, optional("verbose", Kind.FLAG, True, "True for an object, false for hex.")),
    ),
    Method(
        "getchaintips",
        Category.CHAIN,
        "The ends of all known branches, the best chain's among them.",
        "An array of objects: height, hash, branchlen, status (active, valid-fork, valid-headers, headers-only, "
        "invalid).",
        get_chain_tips,
    ),
    Method("getdifficulty", Category.CHAIN, "The difficulty of the best block.", "A number.", get_difficulty),
    Method(
        "getdeploymentinfo",
        Category.CHAIN,
        "The state of every soft fork for the block behind the given one.",
        "An object: hash, height, deployments (by name: type, active, height, and bip9 with its votes).",
        get_deployment_info,
        (optional("blockhash", Kind.HASH, None, "The block; the tip by default."),),
    ),
    Method(
        "invalidateblock",
        Category.CHAIN,
        "Treat a block, and all that builds on it, as invalid.",
        "null",
        invalidate_block,
        (_HASH,),
    ),
    Method(
        "reconsiderblock",
        Category.CHAIN,
        "Take invalidateblock back for a block, its ancestors and descendants.",
        "null",
        reconsider_block,
        (_HASH,),
    ),
)
