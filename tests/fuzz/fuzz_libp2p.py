"""Fuzzes one libp2p decoder with atheris: python tests/fuzz/fuzz_libp2p.py TARGET [libFuzzer options, as -runs=100000].

--list names the targets; the target "all" lets the first byte choose one. Found crashes are written to the working
directory, as libFuzzer does.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["minicoin.core.libp2p"]):
    from tests.fuzz.libp2p_targets import TARGETS
    from tests.fuzz.targets import Target


def _all_targets() -> Target:
    targets = list(TARGETS.values())

    def run(raw: bytes) -> None:
        if raw:
            targets[raw[0] % len(targets)].run(raw[1:])

    seeds = (bytes((number,)) + seed for number, target in enumerate(targets) for seed in target.seeds)
    return Target(run, tuple(seeds))


def main(arguments: list[str]) -> int:
    if arguments == ["--list"]:
        print("\n".join(TARGETS))
        return 0
    target = {"all": _all_targets(), **TARGETS}.get(arguments[0] if arguments else "")
    if target is None:
        print(__doc__, file=sys.stderr)
        return 2
    corpus = Path(tempfile.mkdtemp(prefix="minicoin-fuzz-"))
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments[1:], str(corpus)], target.run)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
