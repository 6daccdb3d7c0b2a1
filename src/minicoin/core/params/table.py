"""A table of configuration with its place in the file: reads typed values, and names the key of every mistake."""

import tomllib
from collections.abc import Mapping
from difflib import SequenceMatcher, get_close_matches
from typing import Final

from minicoin.core.encoding.hashes import hash_from_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.block import BlockHash

NEVER_TEXT: Final = "never"
_REQUIRED: Final = object()
_NEAREST: Final = 0.6
# Above every pair of keys that one table has: p2pkh and p2sh are 0.89 alike.
_MISSPELT: Final = 0.9


class NotToml(MisuseError):
    """A text is none of TOML; its words say why."""


def parse_toml(text: str) -> dict[str, object]:
    """What a text of TOML says. Raises NotToml."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # More than tomllib's own: numbers may be too long for Python, and brackets too deep.
        raise NotToml(str(error)) from error


class TomlTable:
    """Reads each key at most once; `finish` refuses the keys that nobody asked for."""

    def __init__(self, values: Mapping[str, object], place: str, source: str = "network file") -> None:
        """`place` is the table's own in the file, empty for all of it; `source` what people call that file."""
        self._values = dict(values)
        self._place = place
        self._source = source
        self._asked: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        self._asked[key] = None
        return key in self._values

    @property
    def keys(self) -> tuple[str, ...]:
        """Those not read yet."""
        return tuple(self._values)

    def wrong(self, key: str, problem: str) -> MisuseError:
        """The error that names the key."""
        where = f"{self._place}.{key}" if self._place else key
        return MisuseError(f"{self._source}: {where} {problem}")

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within [low, high]; required without a default."""
        value = self._take(key, default)
        # In Python a bool is an int; in a file it is a mistake.
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, f"must be a whole number, not {value!r}")
        if not low <= value <= high:
            raise self.wrong(key, f"must be {low} to {high}, not {value}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._take(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"must be true or false, not {value!r}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string; required without a default."""
        value = self._take(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, f"must be a string, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where the key is missing."""
        self._asked[key] = None
        value = self._values.pop(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, f"must be a list of strings, not {value!r}")
        strings = [entry for entry in value if isinstance(entry, str)]
        if len(strings) != len(value):
            raise self.wrong(key, "must hold strings only")
        return tuple(strings)

    def octets(self, key: str, length: int | None = None, default: str | None = None) -> bytes:
        """Bytes in hex, `length` of them where that is given."""
        text = self.text(key, default)
        try:
            octets = bytes.fromhex(text)
        except ValueError:
            raise self.wrong(key, f"must be hexadecimal, not {text!r}") from None
        if length is not None and len(octets) != length:
            raise self.wrong(key, f"must have {length} bytes, has {len(octets)}")
        return octets

    def block_hash(self, key: str) -> BlockHash:
        """A block hash as people write it."""
        text = self.text(key)
        try:
            return BlockHash(hash_from_hex(text))
        except DecodeError as error:
            raise self.wrong(key, f"is no block hash: {error}") from error

    def integer_or_never(self, key: str, low: int, high: int, default: int) -> int | None:
        """A whole number within [low, high], or None for the word "never"."""
        if self._values.get(key) == NEVER_TEXT:
            del self._values[key]
            return None
        return self.integer(key, low, high, default)

    def table(self, key: str) -> "TomlTable":
        """A nested table, empty where the key is missing."""
        self._asked[key] = None
        value = self._values.pop(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, not {value!r}")
        return TomlTable(value, f"{self._place}.{key}" if self._place else key, self._source)

    def tables(self, key: str, count_max: int) -> tuple["TomlTable", ...]:
        """A list of nested tables, empty where the key is missing."""
        self._asked[key] = None
        value = self._values.pop(key, [])
        if not isinstance(value, list) or len(value) > count_max:
            raise self.wrong(key, f"must be a list of at most {count_max} tables")
        tables: list[TomlTable] = []
        for index, entry in enumerate(value, 1):
            if not isinstance(entry, dict):
                raise self.wrong(key, f"must hold tables only, not {entry!r}")
            where = f"{self._place}.{key}[{index}]" if self._place else f"{key}[{index}]"
            tables.append(TomlTable(entry, where, self._source))
        return tuple(tables)

    def rest(self) -> Mapping[str, object]:
        """All keys that were not read yet, with their values: whoever takes them judges them."""
        values, self._values = self._values, {}
        return values

    def is_table(self, key: str) -> bool:
        """Whether the key holds a nested table."""
        return isinstance(self._values.get(key), dict)

    def finish(self) -> None:
        """Raises MisuseError where a key was never read: a misspelt rule must not pass as a default."""
        for key in self._values:
            nearest = get_close_matches(key, self._asked, 1, _NEAREST)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(self._asked)}"
            raise self.wrong(key, f"is not a known key; {hint}")

    def _take(self, key: str, default: object) -> object:
        self._asked[key] = None
        value = self._values.pop(key, _REQUIRED if default is None else default)
        if value is _REQUIRED:
            misspelt = next((other for other in self._values if _is_misspelt(other, key)), None)
            raise self.wrong(key, "is missing" + (f"; did you mean it by {misspelt}?" if misspelt else ""))
        return value


def _is_misspelt(given: str, wanted: str) -> bool:
    """Whether a key is that close to another that nothing else can be meant."""
    plain, other = (key.lower().replace("_", "").replace("-", "").rstrip("s") for key in (given, wanted))
    return plain == other or SequenceMatcher(None, given, wanted).ratio() >= _MISSPELT


def quote(text: str) -> str:
    """The text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    # TOML's basic strings know no raw control characters.
    return '"' + "".join(letter if " " <= letter != "\x7f" else f"\\u{ord(letter):04x}" for letter in escaped) + '"'
