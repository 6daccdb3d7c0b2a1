"""Values as bytes and back, derived from their type hints: enums, tuples, sets, unions and dataclasses of plain forms.

Recordings and digests need every event, command and effect in one canonical form. Deriving it leaves no field behind
and no type without a form: a hint that has none is refused when the codec is made. What needs a form of its own (raw
blocks, secrets) is named in `own`. The bytes of a set are in sorted order, so that no hash seed shows in them.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Final, NewType, Union, get_args, get_origin, get_type_hints

from minicoin.core.encoding.compact import encode_compact
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.forms.plain import PLAIN, Codec, FixedBytes, wrong_type
from minicoin.core.wire.reader import Reader

_ITEMS_MAX: Final = 1 << 32
"""The reader refuses counts that no bytes stand behind; records bound the bytes."""


class _Enum:
    __slots__ = ("_kind", "_of", "shape")

    def __init__(self, kind: type[Enum]) -> None:
        self._kind = kind
        self._of: Codec = PLAIN[str] if issubclass(kind, str) else PLAIN[int]
        self.shape = f"{kind.__name__}:{self._of.shape}"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, self._kind):
            raise wrong_type(value, self.shape)
        self._of.write(value.value, out)

    def read(self, reader: Reader) -> object:
        raw = self._of.read(reader)
        try:
            return self._kind(raw)
        except ValueError as error:
            raise DecodeError(str(error)) from error


class _Tuple:
    """Any number of one type; frozen sets are written as such tuples, sorted by their bytes."""

    __slots__ = ("_is_set", "_item", "shape")

    def __init__(self, item: Codec, *, is_set: bool) -> None:
        self._item = item
        self._is_set = is_set
        self.shape = f"{'set' if is_set else ''}[{item.shape}]"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, frozenset if self._is_set else tuple | list):
            raise wrong_type(value, self.shape)
        out += encode_compact(len(value))
        if self._is_set:
            out += b"".join(sorted(self._bytes(item) for item in value))
        elif isinstance(self._item, FixedBytes):
            joined = b"".join(value)
            if len(joined) != len(value) * self._item.size:
                raise wrong_type(value, self.shape)
            out += joined
        else:
            for item in value:
                self._item.write(item, out)

    def _bytes(self, item: object) -> bytes:
        out = bytearray()
        self._item.write(item, out)
        return bytes(out)

    def read(self, reader: Reader) -> object:
        count = reader.count(1, _ITEMS_MAX)
        if isinstance(self._item, FixedBytes):
            size = self._item.size
            joined = reader.take(count * size)
            found: tuple[object, ...] = tuple(joined[at : at + size] for at in range(0, len(joined), size))
        else:
            found = tuple(self._item.read(reader) for _ in range(count))
        return frozenset(found) if self._is_set else found


class _Pair:
    """A tuple of fixed length, or a named one."""

    __slots__ = ("_items", "_make", "shape")

    def __init__(self, name: str, items: tuple[Codec, ...], make: Callable[..., object]) -> None:
        self._items = items
        self._make = make
        self.shape = f"{name}({','.join(item.shape for item in items)})"

    def write(self, value: object, out: bytearray) -> None:
        if not isinstance(value, tuple) or len(value) != len(self._items):
            raise wrong_type(value, self.shape)
        for codec, item in zip(self._items, value, strict=True):
            codec.write(item, out)

    def read(self, reader: Reader) -> object:
        return self._make(*[codec.read(reader) for codec in self._items])


class _Record:
    """A dataclass, field by field."""

    __slots__ = ("_fields", "_kind", "shape")

    def __init__(self, kind: type, codecs: tuple[tuple[str, Codec], ...]) -> None:
        self._kind = kind
        self._fields = codecs
        self.shape = f"{kind.__name__}({','.join(f'{name}:{codec.shape}' for name, codec in codecs)})"

    def write(self, value: object, out: bytearray) -> None:
        if type(value) is not self._kind:
            raise wrong_type(value, self._kind.__name__)
        for name, codec in self._fields:
            codec.write(getattr(value, name), out)

    def read(self, reader: Reader) -> object:
        made: object = self._kind(**{name: codec.read(reader) for name, codec in self._fields})
        return made


class _Union:
    """One of several types, its place in the union in front."""

    __slots__ = ("_codecs", "_kinds", "_tags", "shape")

    def __init__(self, kinds: tuple[type, ...], codecs: tuple[Codec, ...]) -> None:
        self._kinds = kinds
        self._codecs = codecs
        self._tags = {kind: tag for tag, kind in enumerate(kinds)}
        self.shape = f"<{'|'.join(codec.shape for codec in codecs)}>"

    def write(self, value: object, out: bytearray) -> None:
        tag = self._tags.get(type(value))
        if tag is None:
            # A StrEnum where the hint says str, a NewType's value.
            tag = next((at for at, kind in enumerate(self._kinds) if isinstance(value, kind)), None)
            if tag is None:
                raise wrong_type(value, self.shape)
        out.append(tag)
        self._codecs[tag].write(value, out)

    def read(self, reader: Reader) -> object:
        tag = reader.take(1)[0]
        if tag >= len(self._codecs):
            raise DecodeError(f"kind {tag} of {len(self._codecs)}")
        return self._codecs[tag].read(reader)


def make_codec(hint: object, own: Mapping[object, Codec]) -> Codec:
    """The codec of a type hint; types and NewTypes in `own` have the form given there. Raises MisuseError."""
    if hint in own:
        return own[hint]
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, NewType):
        return make_codec(hint.__supertype__, own)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        codecs = tuple(make_codec(argument, own) for argument in arguments)
        return _Union(tuple(map(_class_of, arguments)), codecs)
    if origin is frozenset or (origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis):
        return _Tuple(make_codec(arguments[0], own), is_set=origin is frozenset)
    if origin is tuple:
        return _Pair("", tuple(make_codec(argument, own) for argument in arguments), lambda *items: items)
    if isinstance(hint, type):
        return _make_class_codec(hint, own)
    raise MisuseError(f"no form for {hint!r}")


def _make_class_codec(kind: type, own: Mapping[object, Codec]) -> Codec:
    if issubclass(kind, Enum):
        return _Enum(kind)
    hints: Mapping[str, object] = get_type_hints(kind)
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.init]
        return _Record(kind, tuple((name, make_codec(hints[name], own)) for name in names))
    if issubclass(kind, tuple) and hints:
        return _Pair(kind.__name__, tuple(make_codec(hint, own) for hint in hints.values()), kind)
    raise MisuseError(f"no form for {kind.__name__}")


def _class_of(hint: object) -> type:
    """What isinstance can be asked about."""
    while isinstance(hint, NewType):
        hint = hint.__supertype__
    found = get_origin(hint) or hint
    if not isinstance(found, type):
        raise MisuseError(f"no form for {hint!r} in a union")
    return found
