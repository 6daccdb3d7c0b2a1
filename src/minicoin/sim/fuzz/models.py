"""A network model for a scenario that was drawn: settings from all that the model takes, roles, letters and searches.

The model is given, the rest is drawn from a stream of its own, so that what else a seed draws is what it draws without.
A model that gives nodes roles has some nodes of the second one, those with the lowest indices; where a setting names
addresses, they are theirs. Where there is a third role, nodes behind those may have it.
"""

import math
from typing import Final, assert_never

from minicoin.core.overlay.forms import find_form
from minicoin.core.params.models import AddressesSetting, ChoiceSetting, IntSetting, SettingValue
from minicoin.core.rng import Rng
from minicoin.world.world import host_address

Document = dict[str, object]

_SET_SHARE: Final = 0.4
_CONNECTED_SHARE: Final = 0.5
_ERRANDS_SHARE: Final = 0.4
_ROLE_SHARE: Final = 0.25
_THIRD_ROLE_SHARE: Final = 0.4
_GROUP: Final = "second"
_THIRD_GROUP: Final = "third"
_REPAIR: Final = "pull_period"
_REPAIR_MAX_S: Final = 20
"""A network that repairs itself more seldom cannot heal in the time it is given for that."""


def with_model(document: Document, overlay: str, rng: Rng) -> Document:
    """`document`, as drawing has made it, under this model."""
    model = find_form(overlay)
    nodes, network, links = (_table(document, name) for name in ("nodes", "network", "links"))
    count = nodes["count"]
    assert isinstance(count, int)
    second = 0
    if len(model.roles) > 1:
        second = 1 + rng.below(max(1, round(_ROLE_SHARE * count)))
        nodes = nodes | {"group": [{"name": _GROUP, "count": second, "role": model.roles[1]}]}
    settings = {
        setting.name: _draw(setting, rng, second)
        for setting in model.settings
        if isinstance(setting, IntSetting | ChoiceSetting | AddressesSetting) and rng.uniform() < _SET_SHARE
    }
    has_messages = model.needs_messages or rng.uniform() < 1 / 2
    network = network | {"overlay": overlay, "overlay_settings": settings, "own_messages": has_messages}
    is_libp2p = links.get("transport") == "libp2p"
    if not is_libp2p:
        links = links | {"transport": "named"}
    topology: Document = {"source": "addrman", "outbound": 1 + rng.below(min(8, count - 1))}
    changed = document | {"nodes": nodes, "network": network, "links": links, "topology": topology}
    if not is_libp2p and rng.uniform() < _CONNECTED_SHARE:
        changed["warmup"] = {"start": "connected"}
    if has_messages and rng.uniform() < _ERRANDS_SHARE:
        changed["letters"] = {"rate_per_s": 0.1}
    if rng.uniform() < _ERRANDS_SHARE:
        changed["searches"] = {"rate_per_s": 0.1}
    if len(model.roles) > 2 and rng.uniform() < _THIRD_ROLE_SHARE:
        changed["nodes"] = _with_third_role(nodes, model.roles[2], 1 + rng.below(count - second))
    return changed


def _with_third_role(nodes: Document, role: str, count: int) -> Document:
    groups = nodes["group"]
    assert isinstance(groups, list)
    return nodes | {"group": [*groups, {"name": _THIRD_GROUP, "count": count, "role": role}]}


def _table(document: Document, name: str) -> Document:
    found = document[name]
    assert isinstance(found, dict)
    return found


def _draw(setting: IntSetting | ChoiceSetting | AddressesSetting, rng: Rng, second: int) -> SettingValue | list[str]:
    match setting:
        case IntSetting():
            # Evenly over orders of magnitude: what is small matters as much as what is large.
            span = math.log(setting.high - setting.low + 1)
            drawn = min(setting.high, setting.low + int(math.exp(span * rng.uniform())) - 1)
            return min(drawn, _REPAIR_MAX_S) if setting.name == _REPAIR else drawn
        case ChoiceSetting():
            return rng.choice(setting.choices)
        case AddressesSetting():
            addresses = (host_address(index) for index in range(min(second, setting.most)))
            return [f"{address.host}:{address.port}" for address in addresses]
        case _:
            assert_never(setting)
