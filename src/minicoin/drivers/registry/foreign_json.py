"""JSON of servers, read field by field: what is not of the form that is expected is a DecodeError."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from minicoin.core.faults import DecodeError

Json = Mapping[str, object]
_INT64: Final = re.compile(r"-?[0-9]{1,19}")
_INT64_END: Final = 1 << 63


def decode(raw: bytes) -> object:
    """One JSON value. Raises DecodeError."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DecodeError("not an answer in JSON") from error
    return value


def as_object(value: object) -> Json:
    """Raises DecodeError."""
    if not isinstance(value, dict):
        raise DecodeError("not an object")
    return value


def as_list(value: object, name: str) -> list[object]:
    """Raises DecodeError."""
    if not isinstance(value, list):
        raise DecodeError(f"{name} is no list")
    return value


def list_of(fields: Json, name: str) -> list[object]:
    """One that may be left out. Raises DecodeError."""
    return as_list(fields.get(name, []), name)


def number(fields: Json, name: str) -> int:
    """An integer of 64 bits, also as text; 0 where it is left out. Raises DecodeError."""
    value = fields.get(name, "0")
    # Only these digits: Python has others for some of which it knows no number.
    if isinstance(value, str) and _INT64.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64_END <= value < _INT64_END:
        return value
    raise DecodeError(f"{name} is no number")


def string(fields: Json, name: str) -> str:
    """A text; empty where it is left out. Raises DecodeError."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise DecodeError(f"{name} is no text")
    return value


def from_base64(text: str, name: str) -> bytes:
    """Raises DecodeError."""
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise DecodeError(f"{name} is not base64") from error
