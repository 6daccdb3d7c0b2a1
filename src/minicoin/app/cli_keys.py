"""`minicoin consortium newkey` and `retirekey`: a member's next signing key, beside the one that signs.

Both work on files alone, whether the node runs or not: a running node is told of the new key by `members loadkey`.
"""

from typing import Annotated

import typer

from minicoin.app.client import as_array
from minicoin.app.invocation import Invocation, ask_passphrase
from minicoin.app.signing_key import SIGNING_PASSPHRASE_VARIABLE, add_signing_key, retire_signing_key
from minicoin.core.faults import MisuseError
from minicoin.core.signers.members import KEY_BYTES


def new_key(
    invocation: Invocation,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Leave the signing key open; for laboratories.")
    ] = False,
) -> None:
    """Make the signing key that is to follow the one of a data directory.

    With an empty sign state of its own. What it prints is its public half, for `members roll`.
    """
    member = add_signing_key(invocation.datadir, None if no_passphrase else new_passphrase())
    invocation.show({"key": member.hex()}, member.hex())


def retire_key(
    invocation: Invocation,
    key: Annotated[str, typer.Argument(help="Its public half (hex).", metavar="KEY")],
    yes: Annotated[bool, typer.Option("--yes", help="Destroy it without asking.")] = False,
) -> None:
    """Destroy the signing key that another one has followed.

    With it signs nobody any more what was decided under the lists that had it.
    """
    try:
        member = bytes.fromhex(key)
    except ValueError:
        member = b""
    if len(member) != KEY_BYTES:
        raise MisuseError(f"{key!r} is no key: {2 * KEY_BYTES} hex digits")
    if not yes:
        typer.confirm(f"Destroy the key {key} in {invocation.datadir}?", abort=True, err=True)
    path = retire_signing_key(invocation.datadir, member)
    invocation.show({"file": str(path)}, f"{path} is destroyed, and the record of what it signed")


def load_key(
    invocation: Invocation,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="It lies open, or a signer holds it.")] = False,
) -> None:
    """Have the running node hold the signing key that was made beside its own."""
    asked = None if no_passphrase else ask_passphrase("Passphrase of the new key", variable=SIGNING_PASSPHRASE_VARIABLE)
    found = as_array(invocation.call("loadsigningkey", asked or ""))
    invocation.show(found, "\n".join(f"holds {key} too" for key in found))


def new_passphrase() -> str:
    """For a new key. Raises MisuseError where nobody gives one."""
    chosen = ask_passphrase("Passphrase for the signing key", is_new=True, variable=SIGNING_PASSPHRASE_VARIABLE)
    if not chosen:
        raise MisuseError(
            f"a signing key needs a passphrase: set {SIGNING_PASSPHRASE_VARIABLE}, or choose --no-passphrase explicitly"
        )
    return chosen
