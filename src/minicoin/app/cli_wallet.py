"""`minicoin wallet`: the wallet of a running node. Its most used commands are short verbs too."""

import sys
from decimal import Decimal
from typing import Annotated, Final

import typer

from minicoin.app.client import NoNode, RpcFailure, as_array, as_object
from minicoin.app.invocation import PASSPHRASE_VARIABLE, Invocation, ask_passphrase
from minicoin.app.show import Table, describe, words
from minicoin.core.encoding.numbers import AmountError, parse_coins, parse_fixed
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Amount, Json

_EVERYTHING: Final = "all"
_FEERATE_DECIMALS: Final = 3

_NoPassphrase = Annotated[
    bool, typer.Option("--no-passphrase", help="Leave the seed unencrypted: whoever reads the file can spend.")
]


def choose_passphrase(*, without: bool) -> str:
    """The passphrase of a new wallet; an empty one only where that was asked for in so many words."""
    if without:
        return ""
    chosen = ask_passphrase("Passphrase for the new wallet", is_new=True)
    if not chosen:
        raise MisuseError(
            f"a new wallet needs a passphrase: set {PASSPHRASE_VARIABLE}, or choose --no-passphrase explicitly"
        )
    return chosen


def create(invocation: Invocation, no_passphrase: _NoPassphrase = False) -> None:
    """Create the wallet; shows its seed words, once.

    It is the running node's."""
    passphrase = choose_passphrase(without=no_passphrase)
    created = as_object(invocation.client.call_named("createwallet", passphrase=passphrase))

    lines = [
        f"Created wallet {created['name']}. Write these words down, they are shown only now:",
        "",
        f"  {created['mnemonic']}",
        "",
        *map(str, as_array(created["warnings"])),
    ]
    invocation.show(created, "\n".join(lines))


def restore(invocation: Invocation, no_passphrase: _NoPassphrase = False) -> None:
    """Restore the wallet from its seed words.

    They are typed, or come on standard input; the chain is searched for the wallet's transactions.
    """
    seed = typer.prompt("Seed words", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    passphrase = choose_passphrase(without=no_passphrase)
    created = invocation.client.call_named("createwallet", passphrase=passphrase, mnemonic=str(seed).strip())
    invocation.show(created, "Restored. The chain is being searched for the wallet's transactions (wallet info).")


def new_address(invocation: Invocation, label: Annotated[str, typer.Option(help="A name for it.")] = "") -> None:
    """A fresh address to be paid at."""
    address = invocation.call("getnewaddress", label)
    invocation.show(address, str(address))


def list_addresses(
    invocation: Invocation, change: Annotated[bool, typer.Option("--change", help="Tell change addresses too.")] = False
) -> None:
    """The wallet's addresses and what each holds."""
    rows = as_array(invocation.call("listaddresses", change))
    table = Table("address", "label", ">amount")
    for row in map(as_object, rows):
        table.add(str(row["address"]), str(row["label"]), words(row["amount"]))
    invocation.show(rows, table if rows else "no address yet; make one with: minicoin wallet address")


def balance(invocation: Invocation) -> None:
    """What the wallet holds: confirmed, pending, immature."""
    totals = as_object(invocation.call("getbalances"))
    mine = as_object(totals["mine"])
    confirmed = invocation.call("getbalance", "*", 1)
    held = -Decimal(str(mine["nonmempool"]))
    spendable, untrusted = Decimal(str(mine["trusted"])) - held, Decimal(str(mine["untrusted_pending"]))
    pending = spendable - Decimal(str(confirmed)) + untrusted
    shown: Json = {
        "confirmed": confirmed,
        "pending": pending,
        "immature": mine["immature"],
        "spendable": spendable,
        "held": held,
    }
    lines = {"confirmed": words(confirmed), "pending": f"{pending:.8f}", "immature": words(mine["immature"])}
    if held:
        lines["held by payments that wait outside the mempool"] = words(held)
    width = max(map(len, lines.values()))
    invocation.show(shown, describe({name: amount.rjust(width) for name, amount in lines.items()}))


def send(
    invocation: Invocation,
    address: Annotated[str, typer.Argument(help="Who is paid.")],
    amount: Annotated[str, typer.Argument(help="How much, in coins; or all.")],
    fee_rate: Annotated[
        str | None,
        typer.Option("--fee-rate", help="Satoshi per virtual byte; the node's estimate by default."),
    ] = None,
    subtract_fee: Annotated[bool, typer.Option("--subtract-fee", help="The receiver pays the fee.")] = False,
) -> None:
    """Pay an address.

    A locked wallet is unlocked for this payment only. With `all` everything that can be spent goes to the address, less
    the fee.
    """
    rate = None if fee_rate is None else _feerate(fee_rate)
    if amount == _EVERYTHING:
        sent = as_object(invocation.call_unlocked("sendall", recipients=[address], fee_rate=rate))
        txid = str(sent["txid"])
    else:
        answer = invocation.call_unlocked(
            "sendtoaddress",
            address=address,
            amount=Amount(_coins(amount)),
            subtractfeefromamount=subtract_fee,
            fee_rate=rate,
        )
        txid = str(answer)
    _show_payment(invocation, address, txid)


def _coins(text: str) -> int:
    try:
        return parse_coins(text)
    except AmountError as error:
        raise MisuseError(
            f"not an amount: {text!r} ({error}). Write coins in plain digits with at most 8 decimals, like 1.5; or all"
        ) from error


def _feerate(text: str) -> Decimal:
    try:
        parse_fixed(text, _FEERATE_DECIMALS)
    except AmountError as error:
        raise MisuseError(
            f"not a fee rate: {text!r} ({error}). Write satoshi per virtual byte, like 2 or 1.5"
        ) from error
    return Decimal(text)


def _show_payment(invocation: Invocation, address: str, txid: str) -> None:
    """What arrives, what the fee takes, and what both cost. The payment is made, whatever happens here."""
    try:
        found = as_object(invocation.call("gettransaction", txid))
    except (RpcFailure, NoNode):
        invocation.show({"txid": txid}, f"sent to {address}\ntxid {txid}")
        return
    sent = [row for row in map(as_object, as_array(found["details"])) if row["category"] == "send"]
    arrives = -sum((Decimal(str(row["amount"])) for row in sent), Decimal(0))
    fee = -Decimal(str(found["fee"]))
    text = f"sent {arrives:f} to {address}; with the fee of {fee:f} it costs {arrives + fee:f}\ntxid {txid}"
    invocation.show({"txid": txid, "amount": arrives, "fee": fee, "total": arrives + fee}, text)


def history(
    invocation: Invocation,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many lines.")] = 20,
    skip: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
) -> None:
    """The wallet's latest transactions, newest last."""
    rows = as_array(invocation.call("listtransactions", "*", count, skip))
    keys = ("category", "amount", "fee", "confirmations", "address", "txid")
    table = Table("what", ">amount", ">fee", ">confirmations", "address", "txid")
    for row in map(as_object, rows):
        table.add(*(words(row.get(key, "")) for key in keys))
    invocation.show(rows, table if rows else "no transactions yet")


def abandon(invocation: Invocation, txid: Annotated[str, typer.Argument(help="The payment's id.")]) -> None:
    """Give up a payment that waits outside the mempool.

    Its coins are free again. Nothing else gives a payment up.
    """
    invocation.call("abandontransaction", txid)
    invocation.show({"txid": txid, "abandoned": True}, f"gave up {txid}; its coins can be spent again")


def unlock(
    invocation: Invocation,
    seconds: Annotated[int, typer.Argument(min=1, help="Until it locks itself.")] = 300,
) -> None:
    """Open the wallet's seed for some time."""
    passphrase = ask_passphrase("Passphrase of the wallet")
    if passphrase is None:
        raise MisuseError(f"no terminal to ask for the passphrase: set {PASSPHRASE_VARIABLE}")
    invocation.call("walletpassphrase", passphrase, seconds)
    invocation.show({"unlocked_for": seconds}, f"unlocked for {seconds} s")


def lock(invocation: Invocation) -> None:
    """Forget the keys."""
    invocation.call("walletlock")
    invocation.show({"locked": True}, "locked")


def rescan(invocation: Invocation, start: Annotated[int, typer.Option(min=0, help="The first block.")] = 0) -> None:
    """Search the chain again for transactions of the wallet."""
    if sys.stderr.isatty():
        typer.echo("searching the chain ...", err=True)
    found = as_object(invocation.call("rescanblockchain", start))
    invocation.show(found, f"searched blocks {found['start_height']} to {found['stop_height']}")


def info(invocation: Invocation) -> None:
    """The state of the wallet."""
    found = as_object(invocation.call("getwalletinfo"))
    invocation.show(found, describe(found))
