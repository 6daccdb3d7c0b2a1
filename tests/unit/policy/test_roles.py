"""The table of roles, and who asks it."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import ROLES, Role, require_role
from minicoin.core.primitives.address import Services


def test_every_role_has_its_row() -> None:
    assert list(ROLES) == list(Role)


@pytest.mark.parametrize(
    ("role", "services"), [(Role.FULL, Services.NETWORK | Services.WITNESS), (Role.HEADERS, Services.NONE)]
)
def test_a_node_offers_what_its_role_does(role: Role, services: Services) -> None:
    assert NodePolicy(role=role).services == services


def test_only_who_keeps_blocks_offers_any() -> None:
    for duties in ROLES.values():
        assert bool(duties.services & (Services.NETWORK | Services.NETWORK_LIMITED)) == duties.keeps_blocks


def test_a_role_of_the_other_kind_is_refused_with_the_names_of_this_kind() -> None:
    assert require_role(Role.HEADERS, keeps_blocks=False) is ROLES[Role.HEADERS]
    with pytest.raises(MisuseError, match=r"role headers keeps no blocks; .* made for: full$"):
        require_role(Role.HEADERS, keeps_blocks=True)
    with pytest.raises(MisuseError, match=r"role full keeps blocks; .* made for: headers$"):
        require_role(Role.FULL, keeps_blocks=False)
