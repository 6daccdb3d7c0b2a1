"""The models by their names."""

import pytest
from tests.fuzz.targets import TARGETS

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.overlay.contract import OverlaySetup
from minicoin.core.overlay.table import OVERLAYS, find_model
from minicoin.core.params.network import OVERLAY
from minicoin.core.rng import Rng
from minicoin.core.wire.messages_extension import ExtensionMessage


def setup_of(name, role=""):
    model = OVERLAYS[name]
    identity = Identity.from_number(1)
    return OverlaySetup(
        Rng(b"test"),
        full_relay=8,
        block_only=2,
        settings=model.complete(()),
        role=model.role(role),
        identity=identity,
        peer_id=identity.peer_id.multihash,
    )


def test_the_default_is_one_of_them():
    assert OVERLAY in OVERLAYS


@pytest.mark.parametrize(("name", "role"), [(name, role) for name, model in OVERLAYS.items() for role in model.roles])
def test_each_is_made_in_each_of_its_roles_and_says_whether_it_has_messages(name, role):
    made = OVERLAYS[name].make(setup_of(name, role))
    assert OVERLAYS[name].needs_messages or made.routes() == ()


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_message_of_a_model_has_a_fuzz_target(name):
    kinds = [one.message for one in OVERLAYS[name].make(setup_of(name)).routes()]
    beyond = [kind.command for kind in kinds if issubclass(kind, ExtensionMessage)]
    assert all(f"message-{command}" in TARGETS for command in beyond)
    assert bool(beyond) == OVERLAYS[name].needs_messages


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_default_is_a_value_the_setting_takes(name):
    model = OVERLAYS[name]
    given = {setting.name: setting.default for setting in model.settings}
    assert dict(model.check(given)) == given == model.complete(())


def test_an_unknown_one_is_refused_with_the_names_there_are():
    with pytest.raises(MisuseError, match=f"no network model 'nonsense'; there are {', '.join(OVERLAYS)}"):
        find_model("nonsense")
