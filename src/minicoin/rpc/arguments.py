"""From a request's params, positional or named, to the arguments a method's row asks for. Bitcoin Core's complaints."""

from decimal import Decimal
from typing import Final

from minicoin.rpc.errors import INVALID_PARAMETER, MISC_ERROR, TYPE_ERROR, RpcError
from minicoin.rpc.help_text import usage
from minicoin.rpc.json_text import Json, encode_json
from minicoin.rpc.method import Argument, Kind, Method

_INT64_LIMIT: Final = 1 << 63
_EXPECTED: Final = {
    Kind.TEXT: "string",
    Kind.HEX: "string",
    Kind.HASH: "string",
    Kind.INTEGER: "number",
    Kind.FLAG: "bool",
    Kind.LEVEL: "number",
    Kind.ARRAY: "array",
    Kind.OBJECT: "object",
}
_POSITIONAL_AMONG_NAMED: Final = "args"
_WHOLE: Final = (Kind.INTEGER, Kind.LEVEL, Kind.TEXT_OR_NUMBER)
_WHOLE_HINT: Final = "but must be a whole number of at most 64 bits, without point or exponent"


def bind_arguments(method: Method, params: Json) -> dict[str, Json]:
    """Every argument of the method by name, defaults filled in. Raises RpcError naming what is wrong."""
    positional: list[Json] = []
    named: dict[str, Json] = {}
    if isinstance(params, dict):
        named = dict(params)
        mixed = named.pop(_POSITIONAL_AMONG_NAMED, [])
        if not isinstance(mixed, list):
            raise RpcError(INVALID_PARAMETER, "Parameter args must be an array")
        positional = mixed
    elif isinstance(params, list):
        positional = params
    if len(positional) > len(method.arguments):
        most = len(method.arguments)
        raise _usage_error(
            method,
            f"{method.name} takes at most {most} argument{'s' * (most != 1)}, not {len(positional)}",
        )
    bound: dict[str, Json] = {}
    wrong: dict[str, Json] = {}
    for position, argument in enumerate(method.arguments):
        is_positional = position < len(positional)
        is_given = is_positional or any(name in named for name in (argument.name, *argument.aliases))
        value = positional[position] if is_positional else None
        value = _take_named(argument, named, value, is_positional=is_positional)
        if not is_given and not argument.is_optional:
            raise _usage_error(method, f"{method.name}: the argument {argument.name} is missing")
        if value is None and argument.is_optional:
            value = argument.default
        elif argument.kind in _WHOLE and _is_number(value) and not _fits(value, argument.kind):
            raise RpcError(
                MISC_ERROR, f"JSON integer out of range: {argument.name} is {str(value)[:30]}, {_WHOLE_HINT}"
            )
        elif value is None or not _fits(value, argument.kind):
            # Null leaves an optional argument out; a required one it does not stand for.
            expected = _EXPECTED.get(argument.kind, str(argument.kind))
            wrong[f"Position {position + 1} ({argument.name})"] = (
                f"JSON value of type {type_name(value)} is not of expected type {expected}"
            )
        bound[argument.name] = value
    if named:
        raise RpcError(INVALID_PARAMETER, f"Unknown named parameter {next(iter(named))}")
    if wrong:
        raise RpcError(TYPE_ERROR, f"Wrong type passed:\n{_indented(wrong)}")
    return bound


def count_given(method: Method, params: Json) -> int:
    """How many arguments a request has as a list: nulls count, also those that stand before a named one."""
    if isinstance(params, list):
        return len(params)
    if not isinstance(params, dict):
        return 0
    mixed = params.get(_POSITIONAL_AMONG_NAMED)
    count = len(mixed) if isinstance(mixed, list) else 0
    for position, argument in enumerate(method.arguments, 1):
        if any(name in params for name in (argument.name, *argument.aliases)):
            count = max(count, position)
    return count


def _take_named(argument: Argument, named: dict[str, Json], given: Json, *, is_positional: bool) -> Json:
    found = given
    for name in (argument.name, *argument.aliases):
        if name in named:
            if is_positional:
                problem = f"Parameter {name} specified twice both as positional and named argument"
                raise RpcError(INVALID_PARAMETER, problem)
            if found is not None:
                raise RpcError(INVALID_PARAMETER, f"Parameter {name} specified twice")
            found = named.pop(name)
    return found


def _fits(value: Json, kind: Kind) -> bool:
    match kind:
        case Kind.TEXT | Kind.HEX | Kind.HASH:
            return isinstance(value, str)
        case Kind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -_INT64_LIMIT <= value < _INT64_LIMIT
        case Kind.FLAG:
            return isinstance(value, bool)
        case Kind.LEVEL:
            return isinstance(value, int) and abs(value) < _INT64_LIMIT
        case Kind.AMOUNT:
            return isinstance(value, int | str | Decimal) and not isinstance(value, bool)
        case Kind.TEXT_OR_NUMBER:
            return isinstance(value, int | str) and not isinstance(value, bool)
        case Kind.ARRAY:
            return isinstance(value, list)
        case Kind.OBJECT:
            return isinstance(value, dict)
        case Kind.OUTPUTS:
            return isinstance(value, list | dict)
        case Kind.RANGE:
            return isinstance(value, int | list) and not isinstance(value, bool)
        case Kind.ANY:
            return True


def _is_number(value: Json) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def type_name(value: Json) -> str:
    """What Bitcoin Core calls the type of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | Decimal):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _indented(problems: dict[str, Json]) -> str:
    lines = ",\n".join(f"    {encode_json(place)}: {encode_json(problem)}" for place, problem in problems.items())
    return f"{{\n{lines}\n}}"


def _usage_error(method: Method, problem: str) -> RpcError:
    return RpcError(MISC_ERROR, f"{problem}\nusage: {usage(method)}")
