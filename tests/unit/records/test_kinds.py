"""The table of kinds fits the limits and names each power that a network gives."""

import pytest

from minicoin.core.limits import SIGNED_RECORD_BYTES_PER_SIGNER_MAX
from minicoin.core.records.kinds import KINDS, MaySign


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_what_any_node_may_sign_expires_and_fits_its_room(kind) -> None:
    assert KINDS[kind.name] is kind
    assert kind.value_bytes_max < SIGNED_RECORD_BYTES_PER_SIGNER_MAX
    if kind.may_sign is MaySign.ANY_NODE:
        # Its room comes back.
        assert kind.life_max_us is not None
        assert not kind.is_trusted


def test_each_power_has_its_kind() -> None:
    assert {kind.may_sign for kind in KINDS.values()} == set(MaySign)
    assert KINDS["config"].is_shared
    assert KINDS["config"].life_max_us is None
    assert not KINDS["alert"].is_shared
