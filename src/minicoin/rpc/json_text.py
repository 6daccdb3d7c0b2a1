"""JSON as the wire of RPC: exact amounts outwards, exact decimals inwards.

The standard encoder knows no exact decimals, and a float would turn 0.1 + 0.2 into noise, so amounts are written here:
always with 8 decimals, as Bitcoin Core writes them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring_ascii

from minicoin.core.units import format_coins


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in an answer; written in coins."""

    sat: int

    def __str__(self) -> str:
        return format_coins(self.sat)


Json = None | bool | int | float | str | Decimal | Amount | Sequence["Json"] | Mapping[str, "Json"]
"""What goes out, and what comes in (where lists are list, objects dict, and fractions Decimal)."""


def encode_json(value: Json) -> str:
    """Compact JSON text."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def format_json(value: Json, indent: str = "") -> str:
    """JSON text for people: one member a line."""
    inner = indent + "  "
    if isinstance(value, Mapping) and value:
        members = (f"{inner}{encode_basestring_ascii(key)}: {format_json(item, inner)}" for key, item in value.items())
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return "[\n" + ",\n".join(inner + format_json(item, inner) for item in value) + f"\n{indent}]"
    return encode_json(value)


def decode_json(text: str | bytes) -> Json:
    """Raises ValueError. NaN and infinities, which are no JSON, are refused."""
    found: Json = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _write(value: Json, write: Callable[[str], None]) -> None:
    if isinstance(value, str):
        write(encode_basestring_ascii(value))
    elif value is None:
        write("null")
    elif value is True:
        write("true")
    elif value is False:
        write("false")
    elif isinstance(value, int):
        write(int.__repr__(value))
    elif isinstance(value, Amount):
        write(str(value))
    elif isinstance(value, float):
        write(repr(value))
    elif isinstance(value, Decimal):
        write(format(value, "f"))
    elif isinstance(value, Mapping):
        separator = "{"
        for key, member in value.items():
            write(separator + encode_basestring_ascii(key) + ":")
            _write(member, write)
            separator = ","
        write("{}" if separator == "{" else "}")
    else:
        separator = "["
        for item in value:
            write(separator)
            _write(item, write)
            separator = ","
        write("[]" if separator == "[" else "]")
