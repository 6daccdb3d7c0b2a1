"""`minicoin signer`: a process with a member's signing keys, which signs on a local socket for `startnode --signer`.

The keys lie in a directory of their own, which no node uses, each beside the record of what it signed
(drivers/signer/keyholder). The record begins as the node's own, which is copied there with the key.
"""

import os
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import trio
import typer

from minicoin.app.invocation import Invocation
from minicoin.app.networks import find_network
from minicoin.app.show import counted
from minicoin.app.signals import watch_signals
from minicoin.app.signing_key import read_signing_key
from minicoin.app.standard_files import say
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import SIGNING_KEYS_MAX
from minicoin.core.params.rules import SignersKind
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.signer.keyholder import HeldKey, Keyholder
from minicoin.drivers.signer.place import listen_at
from minicoin.drivers.signer.server import SignerServer
from minicoin.drivers.store.lock import DirectoryLock

FLOOR_SUFFIX: Final = ".floor"


class FloorFile:
    """The record of one key, a document beside it."""

    def __init__(self, key_file: Path) -> None:
        self.path = key_file.with_suffix(FLOOR_SUFFIX)
        self._documents = DocumentStore(key_file.parent)

    def load(self) -> bytes | None:
        """None where there is none."""
        return self._documents.load(self.path.name)

    def save(self, state: bytes) -> None:
        """On disk when it returns; raises OSError."""
        self._documents.save(self.path.name, state)


def signer(
    invocation: Invocation,
    listen: Annotated[Path, typer.Option("--listen", help="The socket's file, in a directory closed to others.")],
    signing_key: Annotated[
        list[Path], typer.Option("--signing-key", help="A key's file, with its record beside it; repeatable.")
    ],
    sign_from: Annotated[
        int | None,
        typer.Option(
            "--sign-from", min=1, help="You answer for it that a key without record signed nothing from here on."
        ),
    ] = None,
) -> None:
    """Hold a member's signing keys for its node, in a process apart.

    It signs for whoever reaches the socket, and never two votes for one (height, round, kind), whoever asks. Until
    Ctrl-C.
    """
    network = find_network(invocation.network_name)
    if not isinstance(network.proof, SignersKind):
        raise MisuseError(
            f"nobody signs the blocks of {network.name}: give --network the name or file of a network with members "
            "(minicoin consortium new makes one)"
        )
    # What it writes is nobody else's to read.
    os.umask(0o077)
    files = [path.expanduser().absolute() for path in signing_key]
    if len(files) > SIGNING_KEYS_MAX:
        raise MisuseError(f"--signing-key: {SIGNING_KEYS_MAX} keys at the most")
    path = listen.expanduser().absolute()
    locks = [
        DirectoryLock(directory, "keep the signer's keys in a directory of their own")
        for directory in dict.fromkeys(file.parent for file in files)
    ]
    try:
        keys = [held_key(file, sign_from) for file in files]
        listener = listen_at(path)
        for held in keys:
            _say(f"holds {held.state.member.hex()}, which may have signed up to height {held.state.height}")
        server = SignerServer(Keyholder(network.network_id, keys, _say), path, _say)
        _say(f"{counted(len(keys), 'key')} for {network.name} at {path}")
        trio.run(_run, server, listener)
    finally:
        for lock in locks:
            lock.release()


def held_key(file: Path, sign_from: int | None) -> HeldKey:
    """A key with its record, from disk. Raises MisuseError."""
    key = read_signing_key(file)
    member: bytes = key.public_key_xonly.format()
    floor = FloorFile(file)
    raw = floor.load()
    if raw is None:
        if sign_from is None:
            raise MisuseError(
                f"{floor.path} is not there, so what the key {member.hex()} signed is not known: copy state/sign-state "
                "of the node that had the key to this file, while that node is stopped. Where it is lost, --sign-from "
                "HEIGHT is your word that the key signed nothing from that height on"
            )
        raw = SignState(member, sign_from).encode()
        floor.save(raw)
    elif sign_from is not None:
        raise MisuseError(f"{floor.path} says what the key signed: start without --sign-from")
    try:
        state = SignState.decode(raw)
    except DecodeError as error:
        raise MisuseError(f"{floor.path} is damaged: {error}; see docs/upkeep.md, A lost record") from error
    if state.member != member:
        raise MisuseError(f"{floor.path} is the record of the key {state.member.hex()}, and {file} is {member.hex()}")
    return HeldKey(key, state, floor)


def _say(text: str) -> None:
    say(f"{datetime.now(UTC).isoformat(' ', 'seconds')} signer: {text}", sys.stderr)


async def _run(server: SignerServer, listener: socket.socket) -> None:
    async with trio.open_nursery() as nursery:
        scope = nursery.cancel_scope
        stop: Callable[[], None] = scope.cancel
        await nursery.start(watch_signals, stop)
        await nursery.start(server.run, listener)
        _say("ready")
