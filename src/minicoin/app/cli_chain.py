"""`minicoin chain`: block files in and out, and checks of what is stored, offline."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from minicoin.app.invocation import Invocation
from minicoin.app.networks import find_network
from minicoin.app.recovery_files import keep_recoveries, name_recoveries
from minicoin.app.show import EXIT_FAILED, counted
from minicoin.app.verify import verify_chain
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.drivers.store.blockfiles import export_blocks, import_blocks
from minicoin.drivers.store.certified_files import certificate_path, export_certificate
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.rpc.json_text import Json

_Threads = Annotated[int, typer.Option("--threads", min=1, max=64, help="Threads that verify scripts.")]


class ProgressBar:
    """A bar on stderr that takes what importing and exporting report: (done, total, height)."""

    def __init__(self, title: str) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("height {task.fields[height]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            # Into a file a bar is noise.
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None, height=0)

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, done: int, total: int, height: int) -> None:
        """One step."""
        self._progress.update(self._task, completed=done, total=total, height=height)


def _network(invocation: Invocation) -> Network:
    """With the recoveries that the data directory names."""
    return name_recoveries(find_network(invocation.network_name), invocation.datadir).network


def import_files(
    invocation: Invocation,
    files: Annotated[list[Path], typer.Argument(help="blk*.dat, bootstrap.dat, or directories of them.")],
    threads: _Threads = 1,
    recovery: Annotated[
        list[Path] | None,
        typer.Option("--recovery", help="File of a recovery by which the chain goes on (networks that members sign)."),
    ] = None,
) -> None:
    """Import block files into the data directory.

    The node must not be running.
    """
    named = name_recoveries(find_network(invocation.network_name), invocation.datadir, recovery or ())
    chain = LocalChain(named.network, invocation.datadir, script_threads=threads)
    try:
        with ProgressBar("importing") as bar:
            report = import_blocks(chain, files, bar.update)
        tip = hash_to_hex(chain.tip)
    finally:
        chain.close()
    keep_recoveries(named, invocation.datadir)
    found: Json = {
        "files": report.files,
        "read": report.read,
        "stored": report.stored,
        "known": report.known,
        "refused": report.refused,
        "without_parent": report.without_parent,
        "without_certificate": report.without_certificate,
        "skipped_bytes": report.skipped_bytes,
        "truncated_files": report.truncated_files,
        "height": report.height,
        "tip": tip,
        "problems": list(report.problems),
    }
    lines = [
        f"read {counted(report.read, 'block')} of {counted(report.files, 'file')}: {report.stored} new, "
        f"{report.known} known, {report.refused} refused, {report.without_parent} without parent",
        f"height {report.height}, tip {tip}",
        *report.problems,
    ]
    invocation.show(found, "\n".join(lines))
    if report.refused:
        raise typer.Exit(EXIT_FAILED)


def export_file(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(help="The bootstrap.dat to write.")],
    start: Annotated[int, typer.Option("--from", min=0, help="The first block.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Write the best chain as one bootstrap.dat.

    The node must not be running. Where members sign the blocks, the last one's certificate is written to FILE.cert.
    """
    network = _network(invocation)
    for path in (file, certificate_path(file)) if isinstance(network.proof, SignersKind) else (file,):
        if path.exists() and not force:
            raise MisuseError(f"{path} exists already; --force writes over it")
    chain = LocalChain(network, invocation.datadir)
    try:
        with ProgressBar("exporting") as bar:
            count = export_blocks(chain, file, bar.update, start_height=start)
        certificate = export_certificate(chain, file)
    finally:
        chain.close()
    found: dict[str, Json] = {"blocks": count, "file": str(file)}
    text = f"wrote {counted(count, 'block')} to {file}"
    if certificate is not None:
        found["certificate"] = str(certificate)
        text += f", and the last one's certificate to {certificate}"
    invocation.show(found, text)


def verify(
    invocation: Invocation,
    replay: Annotated[
        bool, typer.Option("--replay", help="Connect every block anew in memory, and compare all coins.")
    ] = False,
    threads: _Threads = 1,
) -> None:
    """Read every stored block of the best chain and check it.

    The node must not be running.
    """
    chain = LocalChain(_network(invocation), invocation.datadir, script_threads=threads)
    try:
        with ProgressBar("verifying") as bar:
            report = verify_chain(chain, bar.update, replay=replay, threads=threads)
    finally:
        chain.close()
    found: Json = {
        "height": report.height,
        "blocks": report.blocks,
        "transactions": report.transactions,
        "hash_serialized_3": hash_to_hex(report.coins_hash),
        "replayed": report.is_replayed,
        "problems": list(report.problems),
    }
    verdict = "everything is as it should be" if not report.problems else "\n".join(report.problems)
    invocation.show(
        found, f"{counted(report.blocks, 'block')}, {counted(report.transactions, 'transaction')}: {verdict}"
    )
    if report.problems:
        raise typer.Exit(EXIT_FAILED)
