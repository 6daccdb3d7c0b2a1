"""Fuzzes targets under atheris from the command line. Knows no decoder: a script imports its own, instrumented."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import atheris


class Fuzzed(Protocol):
    """One decoder with well-formed seeds."""

    @property
    def run(self) -> Callable[[bytes], None]: ...
    @property
    def seeds(self) -> tuple[bytes, ...]: ...


def main(arguments: list[str], targets: Mapping[str, Fuzzed], usage: str) -> int:
    """Fuzz the target that the first argument names, or all, with libFuzzer's options behind it."""
    if arguments == ["--list"]:
        print("\n".join(targets))
        return 0
    name = arguments[0] if arguments else ""
    if name not in ("all", *targets):
        print(usage, file=sys.stderr)
        return 2
    run, seeds = _all(targets) if name == "all" else (targets[name].run, targets[name].seeds)
    corpus = Path(tempfile.mkdtemp(prefix="minicoin-fuzz-"))
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments[1:], str(corpus)], run)
    atheris.Fuzz()
    return 0


def _all(targets: Mapping[str, Fuzzed]) -> tuple[Callable[[bytes], None], tuple[bytes, ...]]:
    """The first byte chooses."""
    every = list(targets.values())

    def run(raw: bytes) -> None:
        if raw:
            every[raw[0] % len(every)].run(raw[1:])

    return run, tuple(bytes((number,)) + seed for number, target in enumerate(every) for seed in target.seeds)
