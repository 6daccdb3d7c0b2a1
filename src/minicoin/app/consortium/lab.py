"""A consortium for a laboratory: all banks' keys and directories made by one hand, on one machine, left open."""

import os
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from minicoin.app.consortium.request import FoundingRequest
from minicoin.app.consortium.seed_words import SEED_BYTES, first_script
from minicoin.app.identity import load_identity
from minicoin.app.signing_key import load_signing_key, make_signing_key
from minicoin.core.faults import MisuseError
from minicoin.core.wallet.keys import mnemonic_from_entropy

BANKS_MAX: Final = len(string.ascii_uppercase)
COINS_EACH: Final = 1_000
"""What block 1 pays each bank, unless something else was chosen."""
_WORDS_FILE: Final = "seed-words.txt"


@dataclass(frozen=True, slots=True)
class LabBank:
    """One bank of a laboratory."""

    request: FoundingRequest
    datadir: Path
    words: str
    """Of its wallet, which block 1 pays."""


def make_lab(network: str, directory: Path, count: int) -> tuple[LabBank, ...]:
    """So many banks in a directory each. Raises MisuseError where one is there already."""
    names = string.ascii_uppercase[:count]
    folders = [directory / f"bank-{letter.lower()}" for letter in names]
    for folder in folders:
        if folder.exists():
            raise MisuseError(f"{folder} exists already; choose another directory for this laboratory")
    return tuple(_make_bank(network, f"Bank {letter}", folder) for letter, folder in zip(names, folders, strict=True))


def _make_bank(network: str, name: str, datadir: Path) -> LabBank:
    datadir.mkdir(mode=0o700, parents=True)
    seed = os.urandom(SEED_BYTES)
    words = mnemonic_from_entropy(seed)
    with os.fdopen(os.open(datadir / _WORDS_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(words + "\n")
    member = make_signing_key(datadir, None)
    key = load_signing_key(datadir)
    assert key is not None
    request = FoundingRequest(network, name, member, load_identity(datadir).peer_id, pay_to=first_script(seed))
    return LabBank(request.signed_by(key), datadir, words)
