"""Fuzzes one decoder with atheris: python tests/fuzz/fuzz_wire.py TARGET [libFuzzer options, such as -runs=100000].

--list names the targets; the target "all" lets the first byte choose one. Found crashes are written to the working
directory, as libFuzzer does.
"""

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["minicoin"]):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], TARGETS, __doc__))
