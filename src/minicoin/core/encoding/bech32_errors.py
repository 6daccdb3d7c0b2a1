"""Where a bech32 or bech32m text is wrong, as far as its checksum can tell: up to two letters (BIP173, BIP350).

A wrong letter changes the checksum's remainder by an amount that depends on the letter's place and on nothing else, so
remainders of all single changes stand in a table, and two changes are a pair whose amounts add up. Wordings and order
of the checks are Bitcoin Core's. What the right letter would be is not told: guessing it could send money elsewhere.
"""

from functools import lru_cache

from minicoin.core.encoding.bech32 import (
    BECH32,
    BECH32M,
    CHECKSUM_LETTERS,
    LENGTH_MAX,
    SEPARATOR,
    letter_value,
    next_remainder,
    remainder_of,
)

_SYMBOLS = 32


def locate_errors(text: str) -> tuple[str, tuple[int, ...]]:
    """What is wrong with a text that does not decode, and at which positions."""
    if len(text) > LENGTH_MAX:
        return "Bech32 string too long", tuple(range(LENGTH_MAX, len(text)))
    strange = _strange_letters(text)
    if strange:
        return "Invalid character or mixed case", strange
    at = text.rfind(SEPARATOR)
    if at < 0:
        return "Missing separator", ()
    if at == 0 or at + CHECKSUM_LETTERS >= len(text):
        return "Invalid separator position", (at,)
    values: list[int] = []
    for position in range(at + 1, len(text)):
        value = letter_value(text[position].lower())
        if value is None:
            return "Invalid Base 32 character", (position,)
        values.append(value)
    remainder = remainder_of(text[:at].lower(), values)
    plain = _positions(remainder ^ BECH32, len(values))
    modern = _positions(remainder ^ BECH32M, len(values))
    if not plain and not modern:
        return "Invalid checksum", ()
    name, found = ("Bech32m", modern) if not plain or 0 < len(modern) < len(plain) else ("Bech32", plain)
    return f"Invalid {name} checksum", tuple(sorted(len(text) - 1 - place for place in found))


def _strange_letters(text: str) -> tuple[int, ...]:
    """Those outside the printable ASCII, and those of the other case than the first letter."""
    is_upper = next((letter.isupper() for letter in text if letter.isascii() and letter.isalpha()), False)
    return tuple(
        position
        for position, letter in enumerate(text)
        if not "!" <= letter <= "~" or (letter.isalpha() and letter.isupper() != is_upper)
    )


def _positions(difference: int, length: int) -> tuple[int, ...]:
    """The places, counted from the right, of one or two changed letters that explain a remainder; empty where more
    were changed."""
    changes = {amount: place for amount, place in _changes().items() if place < length}
    if difference in changes:
        return (changes[difference],)
    for amount, place in changes.items():
        other = changes.get(difference ^ amount)
        if other is not None and other != place:
            return place, other
    return ()


@lru_cache(1)
def _changes() -> dict[int, int]:
    """The place of every single change, by what it does to the remainder."""
    changes: dict[int, int] = {}
    amounts = list(range(1, _SYMBOLS))
    for place in range(LENGTH_MAX):
        changes.update(dict.fromkeys(amounts, place))
        amounts = [next_remainder(amount, 0) for amount in amounts]
    return changes
