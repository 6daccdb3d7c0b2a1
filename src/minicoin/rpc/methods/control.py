"""Control and util: help, uptime, stop, what the server is doing, addresses as text."""

import asyncio
import time

from minicoin.core.commands import Stop
from minicoin.core.script.pushes import witness_program
from minicoin.core.script.standard import AddressError, ScriptType, address_script, classify, script_address
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.port import LOG_AREAS
from minicoin.rpc.shapes import JsonObject

_STOP_WAIT_MS_MAX = 60_000
_ALL_AREAS = ("all", "1")


async def uptime(call: Call) -> Json:
    # The real clock's: a test that sets the node's does not make it older.
    return max(int(time.time()) - call.port.started_at, 0)


async def stop(call: Call) -> Json:
    if call.has("wait"):
        await asyncio.sleep(call.positive("wait", 0, _STOP_WAIT_MS_MAX) / 1_000)
    await call.port.command(Stop())
    return "minicoin stopping"


async def get_rpc_info(call: Call) -> Json:
    now = time.monotonic_ns()
    return {
        "active_commands": [
            {"method": active.method, "duration": (now - active.since_ns) // 1_000} for active in call.active.values()
        ],
        "logpath": call.port.log_path,
    }


async def choose_logging(call: Call) -> Json:
    chosen = call.port.log_areas | _areas(call, "include")
    chosen -= _areas(call, "exclude")
    if chosen != call.port.log_areas:
        call.port.choose_log_areas(chosen)
    return {area: area in chosen for area in LOG_AREAS}


def _areas(call: Call, name: str) -> frozenset[str]:
    areas: set[str] = set()
    for area in call.array(name) if call.has(name) else ():
        if area in _ALL_AREAS:
            areas.update(LOG_AREAS)
        elif area in LOG_AREAS:
            areas.add(str(area))
        else:
            raise RpcError(INVALID_PARAMETER, f"unknown logging category {area}")
    return frozenset(areas)


async def validate_address(call: Call) -> Json:
    text = call.text("address")
    form = call.port.network.address_format
    try:
        script = address_script(text, form)
    except AddressError as error:
        return {"isvalid": False, "error_locations": list(error.locations), "error": error.text}
    program = witness_program(script)
    shape: JsonObject = {
        "isvalid": True,
        "address": script_address(script, form) or text,
        "scriptPubKey": script.hex(),
        "isscript": classify(script) in (ScriptType.SCRIPT_HASH, ScriptType.WITNESS_V0_SCRIPT_HASH),
        "iswitness": program is not None,
    }
    if program is not None:
        shape |= {"witness_version": program[0], "witness_program": program[1].hex()}
    return shape


METHODS = (
    Method(
        "logging",
        Category.CONTROL,
        "What of the log is written in full; first what to include, then what to exclude. "
        f"The valid logging categories are: {', '.join(LOG_AREAS)}; or all.",
        "An object: whether each category is.",
        choose_logging,
        (
            optional("include", Kind.ARRAY, None, "Categories to write from now on."),
            optional("exclude", Kind.ARRAY, None, "Categories to write no more."),
        ),
    ),
    Method("uptime", Category.CONTROL, "Seconds since the node started.", "A number.", uptime),
    Method(
        "stop",
        Category.CONTROL,
        "Shut the node down in an orderly way.",
        "A line of text.",
        stop,
        (optional("wait", Kind.INTEGER, None, "Milliseconds to wait before."),),
        is_urgent=True,
    ),
    Method(
        "getrpcinfo",
        Category.CONTROL,
        "About the RPC server.",
        "An object: active_commands, logpath.",
        get_rpc_info,
        is_urgent=True,
    ),
    Method(
        "validateaddress",
        Category.UTIL,
        "Whether a text is an address of this network, and what it stands for.",
        "An object: isvalid, address, scriptPubKey, isscript, iswitness, witness_version, witness_program; or error.",
        validate_address,
        (Argument("address", Kind.TEXT, "The text."),),
    ),
)
