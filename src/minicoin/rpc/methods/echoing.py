"""What says back what it was told, and what this node has none of and says so: for clients that ask beforehand."""

from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Call, Category, Kind, Method, optional

_COUNT = 10


async def echo(call: Call) -> Json:
    return [call.value(f"arg{place}") for place in range(call.given_count)]


async def get_index_info(call: Call) -> Json:
    # No index beside the chain's own: nothing to fall behind.
    return {}


async def get_zmq_notifications(call: Call) -> Json:
    # Nothing is published.
    return []


_ARGUMENTS = tuple(optional(f"arg{place}", Kind.ANY, None, "Any value.") for place in range(_COUNT))

METHODS = (
    Method("echo", Category.CONTROL, "The arguments.", "An array of what was given.", echo, _ARGUMENTS, is_hidden=True),
    Method(
        "echojson",
        Category.CONTROL,
        "The same as echo.",
        "An array of what was given.",
        echo,
        _ARGUMENTS,
        is_hidden=True,
    ),
    Method(
        "getindexinfo",
        Category.UTIL,
        "The indices this node keeps beside the chain: none.",
        "An object by the index's name: empty.",
        get_index_info,
        (optional("index_name", Kind.TEXT, None, "Only this one."),),
    ),
    Method(
        "getzmqnotifications",
        Category.CONTROL,
        "What is published over ZeroMQ: nothing.",
        "An empty array.",
        get_zmq_notifications,
    ),
)
