"""Long looks at what is stored: all coins for those of certain scripts (one scan at a time), and whether the chain is
sound. Both are held without a turn in the server's line."""

from minicoin.core.descriptors.descriptor import Descriptor
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.limits import SCAN_FOUND_COINS_MAX
from minicoin.core.primitives.coin_scan import CoinScan, ScanProgress
from minicoin.core.primitives.transaction import outpoint_index, outpoint_txid
from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.descriptors import scan_scripts
from minicoin.rpc.shapes import JsonObject

_LEVEL_MAX = 4


class ScanMethods:
    """scantxoutset with the scan it has under way."""

    def __init__(self) -> None:
        self._progress: ScanProgress | None = None

    async def scan_tx_out_set(self, call: Call) -> Json:
        action = call.text("action")
        if action == "status":
            return None if self._progress is None else {"progress": self._progress.percent}
        if action == "abort":
            if self._progress is None:
                return False
            self._progress.is_aborted = True
            return True
        if action != "start":
            raise RpcError(INVALID_PARAMETER, f"Invalid action '{action}'")
        if self._progress is not None:
            problem = 'Scan already in progress, use action "abort" or "status"'
            raise RpcError(INVALID_PARAMETER, problem)
        if not call.has("scanobjects"):
            raise RpcError(MISC_ERROR, "scanobjects argument is required for the start action")
        progress = self._progress = ScanProgress()
        try:
            scripts = await scan_scripts(call, call.array("scanobjects"))
            wanted = frozenset(scripts)
            scan = await call.hold(
                lambda: call.port.read_chain_slowly(lambda chain: chain.scan_coins(wanted, progress))
            )
            is_complete = not progress.is_aborted
        finally:
            # Whoever asked may have hung up: nobody else waits for this scan.
            progress.is_aborted = True
            self._progress = None
        return _scan_json(scan, scripts, progress.coins_seen, is_complete=is_complete)


async def verify_chain(call: Call) -> Json:
    level = min(max(call.integer("checklevel"), 0), _LEVEL_MAX)
    count = call.integer("nblocks")
    problem = await call.hold(
        lambda: call.port.read_chain_slowly(lambda chain: chain.verify_chain(level, count)),
    )
    if problem:
        raise RpcError(MISC_ERROR, f"the stored chain is damaged: {problem}")
    return True


def _scan_json(scan: CoinScan, scripts: dict[bytes, Descriptor], coins_seen: int, *, is_complete: bool) -> JsonObject:
    rows: list[Json] = []
    for outpoint, coin in scan.found:
        script = coin.output.script_pubkey
        rows.append(
            {
                "txid": hash_to_hex(outpoint_txid(outpoint)),
                "vout": outpoint_index(outpoint),
                "scriptPubKey": script.hex(),
                "desc": str(scripts[script]),
                "amount": Amount(coin.output.value),
                "coinbase": coin.is_coinbase,
                "height": coin.height,
                "blockhash": hash_to_hex(scan.block_of_height[coin.height]),
                "confirmations": scan.height - coin.height + 1,
            }
        )
    return {
        "success": is_complete,
        "txouts": coins_seen,
        "height": scan.height,
        "bestblock": hash_to_hex(scan.tip),
        "unspents": rows,
        "total_amount": Amount(sum(coin.output.value for _, coin in scan.found)),
    }


def scan_methods() -> tuple[Method, ...]:
    """The row, around the one scan."""
    owner = ScanMethods()
    return (
        Method(
            "verifychain",
            Category.CHAIN,
            "Check the stored chain from its tip downwards. Level 0: blocks read; 1: they keep the rules that need no "
            "coins; 2: undo data read; 3: taken back, they leave the coins that were before; 4: connected again, with "
            "all scripts.",
            "true; an error that names the block and what is wrong with it.",
            verify_chain,
            (
                optional("checklevel", Kind.INTEGER, 3, "How thorough: 0 to 4."),
                optional("nblocks", Kind.INTEGER, 6, "How many blocks; 0: all."),
            ),
        ),
        Method(
            "scantxoutset",
            Category.CHAIN,
            f"Look through all unspent outputs for those of descriptors; at most {SCAN_FOUND_COINS_MAX} are found.",
            "start: an object: success, txouts, height, bestblock, unspents (txid, vout, scriptPubKey, desc, amount, "
            "coinbase, height, blockhash, confirmations), total_amount. status: an object: progress (percent), or "
            "null. abort: whether there was a scan to end.",
            owner.scan_tx_out_set,
            (
                Argument("action", Kind.TEXT, "start, abort or status."),
                optional("scanobjects", Kind.ARRAY, None, "Descriptors, or objects: desc and range (by default 1000)."),
            ),
        ),
    )
