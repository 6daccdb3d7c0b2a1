"""Mining methods: templates for outside miners, blocks from them, and the node's own miner."""

from collections.abc import Mapping, Sequence

from minicoin.core.commands import AbortGenerate, AwaitTemplate, Generate, SetMining, SubmitBlock
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError
from minicoin.core.limits import BLOCK_SERIALISED_BYTES_MAX, BLOCK_SIGOP_COST_MAX, BLOCK_WEIGHT_MAX, GENERATE_BLOCKS_MAX
from minicoin.core.params.bitcoin import chain_name
from minicoin.core.params.rules import SignetKind
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.script.sigops import WITNESS_SCALE
from minicoin.core.script.standard import script_address
from minicoin.rpc.errors import (
    DESERIALIZATION_ERROR,
    IN_INITIAL_DOWNLOAD,
    INVALID_PARAMETER,
    NOT_CONNECTED,
    TYPE_ERROR,
    RpcError,
)
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import (
    Argument,
    Call,
    Category,
    Kind,
    Method,
    optional,
    parse_hash,
    parse_hex,
)
from minicoin.rpc.methods.transactions import parse_address
from minicoin.rpc.shapes import JsonObject, difficulty, target_hex
from minicoin.rpc.warnings import warnings_of

# The coinbase is the miner's: whatever stands here is replaced.
_ANY_SCRIPT = b"\x6a"
_NONCE_RANGE = "00000000ffffffff"
# More than the count of any mempool has.
_DIGITS_MAX = 19


async def get_mining_info(call: Call) -> Json:
    view = await call.port.query(lambda node: node.chain.view())
    totals = await call.port.query(lambda node: node.mempool.snapshot())
    script = await call.port.query(lambda node: node.mempool.mines_to())
    following = await call.port.query(lambda node: node.chain.next_block())
    last = await call.port.query(lambda node: node.mempool.last_template_size())
    header = view.tip.header
    shape: JsonObject = {"blocks": view.tip.height}
    if last is not None:
        shape |= {"currentblockweight": last.weight, "currentblocktx": last.transaction_count}
    shape |= {
        "bits": f"{header.bits:08x}",
        "difficulty": difficulty(header.bits),
        "target": target_hex(header.bits),
        "networkhashps": await _hash_rate(call, 120, -1),
        "pooledtx": totals.count,
        "blockmintxfee": Amount(totals.block_min_feerate),
        "chain": chain_name(call.port.network),
        "next": {
            "height": following.height,
            "bits": f"{following.bits:08x}",
            "difficulty": difficulty(following.bits),
            "target": target_hex(following.bits),
        },
        "mining": script is not None,
        "warnings": await warnings_of(call),
    }
    if isinstance(call.port.network.proof, SignetKind):
        shape["signet_challenge"] = call.port.network.proof.challenge.hex()
    if script is not None:
        address = script_address(script, call.port.network.address_format)
        shape["miningto"] = address or script.hex()
    return shape


async def get_network_hash_ps(call: Call) -> Json:
    blocks, height = call.integer("nblocks"), call.integer("height")
    top = await call.port.query(lambda node: node.chain.height())
    if blocks < -1 or blocks == 0:
        raise RpcError(INVALID_PARAMETER, "Invalid nblocks. Must be a positive number or -1.")
    if height < -1 or height > top:
        raise RpcError(INVALID_PARAMETER, "Block does not exist at specified height")
    return await _hash_rate(call, blocks, height)


async def _hash_rate(call: Call, blocks: int, height: int) -> float:
    span = await call.port.query(lambda node: node.chain.work_span(blocks, height))
    return span.work / span.seconds if span.seconds else 0.0


async def get_block_template(call: Call) -> Json:
    request = call.mapping("template_request")
    mode = request.get("mode", "template")
    if mode == "proposal":
        return await _judge_proposal(call, request.get("data"))
    if mode is not None and mode != "template":
        raise RpcError(INVALID_PARAMETER, "Invalid mode")
    await _require_ready(call)
    if request.get("longpollid") is not None:
        await _await_other_template(call, request["longpollid"])
    names = _client_rules(request)
    _require_rules(call, names)
    view = await call.port.query(lambda node: node.mempool.template(_ANY_SCRIPT))
    template = view.template
    is_segwit = template.rules.segwit
    # Before segwit everything is counted in bytes, a quarter of what weight counts.
    scale = 1 if is_segwit else WITNESS_SCALE
    transactions: list[Json] = [
        {
            "data": entry.transaction.raw.hex(),
            "txid": hash_to_hex(entry.transaction.txid),
            "hash": hash_to_hex(entry.transaction.wtxid),
            "depends": list(entry.depends),
            "fee": entry.fee_sat,
            "sigops": entry.sigop_cost // scale,
            "weight": entry.transaction.weight,
        }
        for entry in template.entries
    ]
    shape: JsonObject = {
        "capabilities": ["proposal"],
        "version": template.version,
        "rules": list(view.rules),
        "vbavailable": dict(view.votes),
        "vbrequired": 0,
        "previousblockhash": hash_to_hex(template.previous),
        "transactions": transactions,
        "coinbaseaux": {},
        "coinbasevalue": template.coinbase_value_sat,
        "longpollid": f"{hash_to_hex(template.previous)}{view.mempool_updates}",
        "target": target_hex(template.bits),
        "mintime": template.minimum_time,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": _NONCE_RANGE,
        "sigoplimit": BLOCK_SIGOP_COST_MAX // scale,
        "sizelimit": BLOCK_SERIALISED_BYTES_MAX // scale,
    }
    if is_segwit:
        shape["weightlimit"] = BLOCK_WEIGHT_MAX
    shape |= {"curtime": template.time, "bits": f"{template.bits:08x}", "height": template.height}
    if isinstance(call.port.network.proof, SignetKind):
        shape["signet_challenge"] = call.port.network.proof.challenge.hex()
    if template.witness_commitment is not None:
        shape["default_witness_commitment"] = template.witness_commitment.hex()
    return shape


def _client_rules(request: Mapping[str, Json]) -> Sequence[Json]:
    names = request.get("rules")
    return names if isinstance(names, list) else []


def _require_rules(call: Call, names: Sequence[Json]) -> None:
    """Rules that a miner who does not name them would break."""
    if isinstance(call.port.network.proof, SignetKind) and "signet" not in names:
        raise RpcError(
            INVALID_PARAMETER,
            'getblocktemplate must be called with the signet rule set (call with {"rules": ["segwit", "signet"]})',
        )
    if "segwit" not in names:
        raise RpcError(
            INVALID_PARAMETER,
            'getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})',
        )


async def _await_other_template(call: Call, longpoll_id: Json) -> None:
    """BIP22: hold the call until the template would be another."""
    if isinstance(longpoll_id, str):
        tip = BlockHash(parse_hash(longpoll_id[:64], "longpollid"))
        counted = longpoll_id[64:]
        updates = int(counted) if counted.isascii() and counted.isdigit() and len(counted) < _DIGITS_MAX else -1
    else:
        tip, updates = await call.port.query(lambda node: (node.chain.best_hash(), node.mempool.updates()))
    await call.hold(lambda: call.port.command(AwaitTemplate(tip, updates)))


async def _judge_proposal(call: Call, octets: Json) -> Json:
    """BIP23: what would become of a block that lacks its proof of work."""
    if not isinstance(octets, str):
        raise RpcError(TYPE_ERROR, "Missing data String key for proposal")
    try:
        block = Block.parse(parse_hex(octets, "data"))
    except DecodeError as error:
        raise RpcError(DESERIALIZATION_ERROR, f"Block decode failed: {error}") from error
    known = await call.port.query(lambda node: node.chain.duplicate_of(block.hash))
    if known is not None:
        return known
    refusal = await call.port.query(lambda node: node.chain.header_refusal(block.header))
    return await call.port.read_chain(lambda engine: engine.test_block(block, refusal))


async def _require_ready(call: Call) -> None:
    """A public network's template is worth nothing while the node does not know its tip."""
    if call.port.network.allow_private_addresses:
        return
    if not sum(await call.port.query(lambda node: node.network.counts())):
        raise RpcError(NOT_CONNECTED, "This node is not connected!")
    if (await call.port.query(lambda node: node.chain.view())).is_initial:
        raise RpcError(IN_INITIAL_DOWNLOAD, "This node is in initial sync and waiting for blocks...")


async def submit_block(call: Call) -> Json:
    octets = call.octets("hexdata")
    try:
        # Looked at as a whole here, so that a torn submission is an error and no verdict about a block.
        block = Block.parse(octets)
    except DecodeError as error:
        raise RpcError(DESERIALIZATION_ERROR, f"Block decode failed: {error}") from error
    whole = await call.port.query(lambda node: node.chain.with_reserved_value(block))
    verdict = await call.port.command(SubmitBlock(RawBlock(whole.header, whole.raw)))
    return verdict.refusal or None


async def generate_to_address(call: Call) -> Json:
    count = call.positive("nblocks", 0, GENERATE_BLOCKS_MAX)
    mined = await call.port.command(Generate(count, parse_address(call, call.text("address"))))
    return [hash_to_hex(block) for block in mined.blocks]


async def abort_generate(call: Call) -> Json:
    return (await call.port.command(AbortGenerate())).count > 0


async def set_mining(call: Call) -> Json:
    address = call.text("address")
    await call.port.command(SetMining(parse_address(call, address) if address else None))
    return {"mining": bool(address)}


METHODS = (
    Method(
        "getmininginfo",
        Category.MINING,
        "The state of mining.",
        "An object: blocks, currentblockweight and currentblocktx (of the last block put together), bits, difficulty, "
        "target, networkhashps, pooledtx, blockmintxfee, chain, next (height, bits, difficulty, target), mining "
        "(whether this node mines), miningto, warnings.",
        get_mining_info,
    ),
    Method(
        "getnetworkhashps",
        Category.MINING,
        "The network's hashes per second, estimated from recent blocks.",
        "A number.",
        get_network_hash_ps,
        (
            optional("nblocks", Kind.INTEGER, 120, "Blocks to look at; -1: since the last change of the difficulty."),
            optional("height", Kind.INTEGER, -1, "The last of them; -1: the tip."),
        ),
    ),
    Method(
        "getblocktemplate",
        Category.MINING,
        "A block to mine on the tip (BIP22, 23, 145), or what would become of one.",
        "An object: version, rules, vbavailable, previousblockhash, transactions, coinbasevalue, longpollid, target, "
        "mintime, curtime, bits, height, default_witness_commitment and the limits. With mode proposal: null where the "
        "block would be valid, else the reason.",
        get_block_template,
        (
            Argument(
                "template_request",
                Kind.OBJECT,
                'An object; its "rules" must hold "segwit". With "longpollid" the call is held until the tip is '
                'another, or a minute has passed and transactions came or went. With "mode" "proposal", "data" is the '
                "block, its proof of work aside.",
            ),
        ),
        is_for_miners=True,
    ),
    Method(
        "submitblock",
        Category.MINING,
        "Offer a block to the node.",
        "null where it joined the best chain; else the reason: duplicate, inconclusive, or the rule it breaks.",
        submit_block,
        (
            Argument("hexdata", Kind.HEX, "The serialised block."),
            optional("dummy", Kind.TEXT, None, "Accepted for compatibility."),
        ),
        is_for_miners=True,
    ),
    Method(
        "generatetoaddress",
        Category.MINING,
        "Mine blocks now, paying to an address; answered when all are found.",
        "An array of block hashes.",
        generate_to_address,
        (
            Argument("nblocks", Kind.INTEGER, f"How many: 0 to {GENERATE_BLOCKS_MAX}."),
            Argument("address", Kind.TEXT, "Who is paid."),
            optional("maxtries", Kind.INTEGER, None, "Accepted for compatibility; the search goes on until found."),
        ),
        is_for_miners=True,
    ),
    Method(
        "abortgenerate",
        Category.MINING,
        "End the generate calls under way; each answers with the blocks it has found (minicoin's own).",
        "true where there was one.",
        abort_generate,
    ),
    Method(
        "setmining",
        Category.MINING,
        "Mine to an address from now on, or stop with an empty one (minicoin's own).",
        "An object: mining.",
        set_mining,
        (optional("address", Kind.TEXT, "", "Who is paid; empty stops."),),
        is_for_miners=True,
    ),
)
