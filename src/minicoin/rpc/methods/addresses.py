"""The address book from outside: how many addresses of each network, and where each stands in its tables."""

from typing import Final

from minicoin.core.queries.network import BookPlace
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Call, Category, Method
from minicoin.rpc.methods.network import NETWORKS, network_name
from minicoin.rpc.port import NodePort
from minicoin.rpc.shapes import JsonObject

_SLOTS: Final = 64


async def _read_places(port: NodePort) -> list[BookPlace]:
    found: list[BookPlace] = []
    while page := await _places_behind(port, len(found)):
        found += page
    return found


async def _places_behind(port: NodePort, skip: int) -> tuple[BookPlace, ...]:
    return await port.query(lambda node: node.network.places(skip))


async def get_addrman_info(call: Call) -> Json:
    counts = {name: [0, 0] for name in (*NETWORKS, "all_networks")}
    for place in await _read_places(call.port):
        is_tried = place.tried_slot is not None
        for name in (network_name(place.timed.address), "all_networks"):
            if name in counts:
                counts[name][is_tried] += 1
    return {name: {"new": new, "tried": tried, "total": new + tried} for name, (new, tried) in counts.items()}


async def get_raw_addrman(call: Call) -> Json:
    new: dict[str, Json] = {}
    tried: dict[str, Json] = {}
    for place in await _read_places(call.port):
        timed = place.timed
        row: JsonObject = {
            "address": timed.address.host,
            "port": timed.address.port,
            "services": timed.services,
            "time": timed.time,
            "network": network_name(timed.address),
        }
        new |= {f"{slot // _SLOTS}/{slot % _SLOTS}": row for slot in place.new_slots}
        if place.tried_slot is not None:
            tried[f"{place.tried_slot // _SLOTS}/{place.tried_slot % _SLOTS}"] = row
    return {"new": new, "tried": tried}


METHODS = (
    Method(
        "getaddrmaninfo",
        Category.NETWORK,
        "How many addresses the book holds.",
        f"An object by network ({', '.join(NETWORKS)}, all_networks): new, tried, total.",
        get_addrman_info,
    ),
    Method(
        "getrawaddrman",
        Category.NETWORK,
        "Every address of the book by its place. Who told of it is kept as a group only, and not told.",
        "An object: new and tried, each by bucket/position: address, port, services, time, network.",
        get_raw_addrman,
        is_hidden=True,
    ),
)
