"""`minicoin wallet`: the wallet of a running node. Its most used commands are short verbs too."""

import sys
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minicoin.app.client import as_array, as_object
from minicoin.app.session import PASSPHRASE_VARIABLE, Session, ask_passphrase, fold_hashes, with_session, words
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

app = typer.Typer(no_args_is_help=True, help="The wallet: create, restore, addresses, money.")

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


def create(session: Session, no_passphrase: _NoPassphrase = False) -> None:
    """Create the wallet of a running node; shows its seed words, once."""
    passphrase = choose_passphrase(without=no_passphrase)
    created = as_object(session.client.call_named("createwallet", passphrase=passphrase))

    def show(console: Console) -> None:
        console.print(f"Created wallet {created['name']}. Write these words down, they are shown only now:\n")
        console.print(f"  [bold]{created['mnemonic']}[/bold]\n")
        for warning in as_array(created["warnings"]):
            console.print(f"[yellow]{warning}[/yellow]")

    session.show(created, show)


def restore(session: Session, no_passphrase: _NoPassphrase = False) -> None:
    """Restore the wallet from its seed words (typed, or on standard input); the chain is searched for it."""
    words = typer.prompt("Seed words", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    passphrase = choose_passphrase(without=no_passphrase)
    created = session.client.call_named("createwallet", passphrase=passphrase, mnemonic=str(words).strip())
    session.show(created, "Restored. The chain is being searched for the wallet's transactions (wallet info).")


def new_address(session: Session, label: Annotated[str, typer.Option(help="A name for it.")] = "") -> None:
    """A fresh address to be paid at."""
    address = session.call("getnewaddress", label)
    session.show(address, str(address))


def list_addresses(
    session: Session, change: Annotated[bool, typer.Option("--change", help="Tell change addresses too.")] = False
) -> None:
    """The wallet's addresses and what each holds."""
    rows = as_array(session.call("listaddresses", change))

    def show(console: Console) -> None:
        if not rows:
            console.print("no address yet; make one with: minicoin wallet address")
            return
        table = fold_hashes(Table("address", "label", "amount", box=None), 0)
        table.columns[2].justify = "right"
        for row in map(as_object, rows):
            table.add_row(str(row["address"]), str(row["label"]), words(row["amount"]))
        console.print(table)

    session.show(rows, show)


def balance(session: Session) -> None:
    """What the wallet holds: confirmed, pending, immature."""
    totals = as_object(session.call("getbalances"))
    mine = as_object(totals["mine"])
    confirmed = session.call("getbalance", "*", 1)
    trusted, untrusted = Decimal(str(mine["trusted"])), Decimal(str(mine["untrusted_pending"]))
    pending = trusted - Decimal(str(confirmed)) + untrusted
    shown: Json = {
        "confirmed": confirmed,
        "pending": pending,
        "immature": mine["immature"],
        "spendable": mine["trusted"],
    }

    def show(console: Console) -> None:
        table = Table(box=None, show_header=False)
        table.add_column()
        table.add_column(justify="right")
        table.add_row("confirmed", words(confirmed))
        table.add_row("pending", f"{pending:.8f}")
        table.add_row("immature", words(mine["immature"]))
        console.print(table)

    session.show(shown, show)


def send(
    session: Session,
    address: Annotated[str, typer.Argument(help="Who is paid.")],
    amount: Annotated[str, typer.Argument(help="How much, in coins.")],
    fee_rate: Annotated[
        float | None,
        typer.Option("--fee-rate", min=0, help="Satoshi per virtual byte; the node's estimate by default."),
    ] = None,
    subtract_fee: Annotated[bool, typer.Option("--subtract-fee", help="The receiver pays the fee.")] = False,
) -> None:
    """Pay an address. A locked wallet is unlocked for this payment only."""
    try:
        coins = Decimal(amount)
    except InvalidOperation as error:
        raise MisuseError(f"not an amount: {amount!r}") from error
    txid = session.call_unlocked(
        "sendtoaddress",
        address=address,
        amount=coins,
        subtractfeefromamount=subtract_fee,
        fee_rate=None if fee_rate is None else Decimal(str(fee_rate)),
    )
    session.show({"txid": txid}, f"sent {coins} to {address}\ntxid {txid}")


def history(
    session: Session,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many lines.")] = 20,
    skip: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
) -> None:
    """The wallet's latest transactions, newest last."""
    rows = as_array(session.call("listtransactions", "*", count, skip))

    def show(console: Console) -> None:
        table = fold_hashes(Table("what", "amount", "fee", "confirmations", "address", "txid", box=None), 4, 5)
        for column in (1, 2, 3):
            table.columns[column].justify = "right"
        for row in map(as_object, rows):
            cells = (row.get(key, "") for key in ("category", "amount", "fee", "confirmations", "address", "txid"))
            table.add_row(*map(words, cells))
        console.print(table)

    session.show(rows, show)


def unlock(
    session: Session,
    seconds: Annotated[int, typer.Argument(min=1, help="Until it locks itself.")] = 300,
) -> None:
    """Open the wallet's seed for some time."""
    passphrase = ask_passphrase("Passphrase of the wallet")
    if passphrase is None:
        raise MisuseError(f"no terminal to ask for the passphrase: set {PASSPHRASE_VARIABLE}")
    session.call("walletpassphrase", passphrase, seconds)
    session.show({"unlocked_for": seconds}, f"unlocked for {seconds} s")


def lock(session: Session) -> None:
    """Forget the keys."""
    session.call("walletlock")
    session.show({"locked": True}, "locked")


def rescan(session: Session, start: Annotated[int, typer.Option(min=0, help="The first block.")] = 0) -> None:
    """Search the chain again for transactions of the wallet."""
    with Console(stderr=True).status("searching the chain"):
        found = as_object(session.call("rescanblockchain", start))
    session.show(found, f"searched blocks {found['start_height']} to {found['stop_height']}")


def info(session: Session) -> None:
    """The state of the wallet."""
    found = as_object(session.call("getwalletinfo"))

    def show(console: Console) -> None:
        table = Table(box=None, show_header=False)
        for name, value in found.items():
            table.add_row(name, words(value))
        console.print(table)

    session.show(found, show)


app.command("create")(with_session(create))
app.command("restore")(with_session(restore))
app.command("address")(with_session(new_address))
app.command("addresses")(with_session(list_addresses))
app.command("balance")(with_session(balance))
app.command("send")(with_session(send))
app.command("history")(with_session(history))
app.command("unlock")(with_session(unlock))
app.command("lock")(with_session(lock))
app.command("rescan")(with_session(rescan))
app.command("info")(with_session(info))
