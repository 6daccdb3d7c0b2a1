"""Wallet methods that look after the wallet: create, unlock, addresses, rescan."""

import secrets

from minicoin.core.answers import WALLET_IS_OFF, CommandRefused, Reason
from minicoin.core.commands import CreateWallet, Lock, NewAddress, RescanWallet, Unlock
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.queries.wallet import WalletSnapshot
from minicoin.core.script.pushes import witness_program
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import (
    INVALID_PARAMETER,
    WALLET_ERROR,
    WALLET_NOT_FOUND,
    WRONG_ENCRYPTION_STATE,
    RpcError,
)
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.methods.transactions import parse_address
from minicoin.rpc.shapes import JsonObject

_ENTROPY_BYTES = 16
_UNLOCK_S_MAX = 100_000_000


async def require_wallet(call: Call) -> WalletSnapshot:
    """The wallet, which must be the one the path names. Raises RpcError."""
    found, may_have = await call.port.query(lambda node: (node.wallet.snapshot(), node.network.policy.uses_wallet))
    if not may_have:
        raise CommandRefused(Reason.WALLET_OFF, WALLET_IS_OFF)
    if found is None:
        raise RpcError(WALLET_NOT_FOUND, "this node has no wallet: create one (createwallet)")
    if call.wallet not in (None, "", found.name):
        raise RpcError(WALLET_NOT_FOUND, "Requested wallet does not exist or is not loaded")
    return found


async def create_wallet(call: Call) -> Json:
    if call.flag("disable_private_keys") or call.flag("blank"):
        raise RpcError(WALLET_ERROR, "this node keeps wallets with their keys only")
    passphrase = call.text("passphrase")
    words = call.text("mnemonic")
    made = await call.port.command(CreateWallet(secrets.token_bytes(_ENTROPY_BYTES), passphrase, words))
    created = await require_wallet(call)
    shape: JsonObject = {"name": created.name, "warnings": []}
    if not words:
        shape["mnemonic"] = made.mnemonic
    if not passphrase:
        shape["warnings"] = ["The seed is stored unencrypted: whoever reads the wallet file can spend."]
    return shape


async def get_wallet_info(call: Call) -> Json:
    wallet = await require_wallet(call)
    shape: JsonObject = {
        "walletname": wallet.name,
        "walletversion": 1,
        "format": "minicoin",
        "balance": Amount(wallet.balance.spendable_sat),
        "unconfirmed_balance": Amount(wallet.balance.untrusted_pending_sat),
        "immature_balance": Amount(wallet.balance.immature_sat),
        "txcount": wallet.transactions,
        "keypoolsize": wallet.receiving_addresses,
        "keypoolsize_hd_internal": wallet.change_addresses,
        "paytxfee": Amount(0),
        "private_keys_enabled": True,
        "avoid_reuse": False,
        "scanning": False,
        "descriptors": False,
        "external_signer": False,
        "encrypted": wallet.is_encrypted,
        "locked": wallet.is_locked,
        "lastprocessedblock": {"hash": hash_to_hex(wallet.tip.hash), "height": wallet.tip.height},
    }
    if wallet.is_encrypted:
        until = wallet.unlocked_until
        shape["unlocked_until"] = 0 if wallet.is_locked or until is None else until // SECOND_US
    if wallet.rescan_height is not None:
        progress = max(wallet.rescan_height, 0) / max(wallet.tip.height, 1)
        shape["scanning"] = {"height": wallet.rescan_height, "progress": progress}
    return shape


async def list_wallets(call: Call) -> Json:
    found = await call.port.query(lambda node: node.wallet.snapshot())
    return [] if found is None else [found.name]


async def get_new_address(call: Call) -> Json:
    await require_wallet(call)
    kind = call.text("address_type")
    if kind not in ("", "bech32"):
        raise RpcError(INVALID_PARAMETER, f"Unknown address type '{kind}': this wallet makes bech32 addresses")
    return (await call.port.command(NewAddress(call.text("label")))).address


async def list_addresses(call: Call) -> Json:
    await require_wallet(call)
    coins = await call.port.query(lambda node: node.wallet.coins())
    held: dict[bytes, int] = {}
    for coin in coins:
        held[coin.output.script_pubkey] = held.get(coin.output.script_pubkey, 0) + coin.output.value
    entries = list(await call.port.query(lambda node: node.wallet.addresses()))
    if call.flag("include_change"):
        entries += await call.port.query(lambda node: node.wallet.change_addresses())
    return [
        {
            "address": entry.address,
            "label": entry.label,
            "amount": Amount(held.get(entry.script_pubkey, 0)),
            "ischange": bool(entry.path.chain),
            "hdkeypath": await _key_path(call, int(entry.path.chain), entry.path.index),
        }
        for entry in entries
    ]


async def _key_path(call: Call, chain: int, index: int) -> str:
    return f"m/84h/{call.port.network.keys.bip44_coin_type}h/0h/{chain}/{index}"


async def get_address_info(call: Call) -> Json:
    await require_wallet(call)
    text = call.text("address")
    script = parse_address(call, text)
    path = await call.port.query(lambda node: node.wallet.find_key(script))
    label = await call.port.query(lambda node: node.wallet.label(script))
    program = witness_program(script)
    shape: JsonObject = {
        "address": text,
        "scriptPubKey": script.hex(),
        "ismine": path is not None,
        "solvable": path is not None,
        "iswatchonly": False,
        "isscript": program is not None and len(program[1]) == 32 and program[0] == 0,
        "iswitness": program is not None,
    }
    if program is not None:
        shape |= {"witness_version": program[0], "witness_program": program[1].hex()}
    if path is not None:
        key = await call.port.query(lambda node: node.wallet.public_key(path))
        shape |= {
            "pubkey": key.hex(),
            "ischange": bool(path.chain),
            "hdkeypath": await _key_path(call, int(path.chain), path.index),
        }
    shape["labels"] = [label] if path is not None else []
    return shape


async def wallet_passphrase(call: Call) -> Json:
    wallet = await require_wallet(call)
    if not wallet.is_encrypted:
        raise RpcError(
            WRONG_ENCRYPTION_STATE, "Error: running with an unencrypted wallet, but walletpassphrase was called."
        )
    timeout = call.integer("timeout")
    if timeout < 0:
        raise RpcError(INVALID_PARAMETER, "Timeout cannot be negative.")
    if not call.text("passphrase"):
        raise RpcError(INVALID_PARAMETER, "passphrase cannot be empty")
    await call.port.command(Unlock(call.text("passphrase"), min(timeout, _UNLOCK_S_MAX)))
    return None


async def wallet_lock(call: Call) -> Json:
    wallet = await require_wallet(call)
    if not wallet.is_encrypted:
        raise RpcError(WRONG_ENCRYPTION_STATE, "Error: running with an unencrypted wallet, but walletlock was called.")
    await call.port.command(Lock())
    return None


async def rescan_blockchain(call: Call) -> Json:
    await require_wallet(call)
    start = call.integer("start_height")
    top = await call.port.query(lambda node: node.chain.height())
    if not 0 <= start <= top:
        raise RpcError(INVALID_PARAMETER, "Invalid start_height")
    if call.has("stop_height"):
        raise RpcError(INVALID_PARAMETER, "a rescan goes to the tip: leave stop_height out")
    found = await call.port.command(RescanWallet(start))
    return {"start_height": start, "stop_height": found.height}


METHODS = (
    Method(
        "createwallet",
        Category.WALLET,
        "Make the node's wallet, or restore it from its seed words. The words are told once, here.",
        "An object: name, mnemonic (write it down), warnings.",
        create_wallet,
        (
            optional("wallet_name", Kind.TEXT, "", "Accepted for compatibility; a node has one wallet."),
            optional("disable_private_keys", Kind.FLAG, False, "Must be false."),
            optional("blank", Kind.FLAG, False, "Must be false."),
            optional("passphrase", Kind.TEXT, "", "Encrypts the seed; empty leaves it in the clear."),
            optional("mnemonic", Kind.TEXT, "", "Seed words to restore from; the chain is searched for them."),
        ),
    ),
    Method(
        "getwalletinfo",
        Category.WALLET,
        "The state of the wallet.",
        "An object: walletname, balances, txcount, unlocked_until, scanning, lastprocessedblock and more.",
        get_wallet_info,
    ),
    Method("listwallets", Category.WALLET, "The wallets of this node.", "An array of names.", list_wallets),
    Method(
        "getnewaddress",
        Category.WALLET,
        "A fresh address to be paid at. Told once it is on disk.",
        "The address.",
        get_new_address,
        (
            optional("label", Kind.TEXT, "", "A name for it."),
            optional("address_type", Kind.TEXT, "bech32", "bech32 only."),
        ),
    ),
    Method(
        "listaddresses",
        Category.WALLET,
        "The wallet's addresses, oldest first (minicoin's own).",
        "An array of objects: address, label, amount (unspent), ischange, hdkeypath.",
        list_addresses,
        (optional("include_change", Kind.FLAG, False, "Whether to tell change addresses too."),),
    ),
    Method(
        "getaddressinfo",
        Category.WALLET,
        "What the wallet knows of an address.",
        "An object: address, scriptPubKey, ismine, labels; for own ones pubkey, ischange, hdkeypath.",
        get_address_info,
        (Argument("address", Kind.TEXT, "The address."),),
    ),
    Method(
        "walletpassphrase",
        Category.WALLET,
        "Unlock the wallet for some seconds.",
        "null",
        wallet_passphrase,
        (
            Argument("passphrase", Kind.TEXT, "The passphrase."),
            Argument("timeout", Kind.INTEGER, "Seconds until it locks itself."),
        ),
    ),
    Method("walletlock", Category.WALLET, "Forget the keys until the next walletpassphrase.", "null", wallet_lock),
    Method(
        "rescanblockchain",
        Category.WALLET,
        "Search the chain again for transactions of the wallet; answered at the end.",
        "An object: start_height, stop_height.",
        rescan_blockchain,
        (
            optional("start_height", Kind.INTEGER, 0, "The first block."),
            optional("stop_height", Kind.INTEGER, None, "Must be left out: a rescan goes to the tip."),
        ),
    ),
)
