"""The file in which a recovery goes from one operator to another."""

import tomllib
from dataclasses import replace

import pytest
from tests.unit.chain.five_banks import NETWORK
from tests.unit.members.test_recovery_drafts import BLOCK, FILES, LOCKED, MADE

from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.recovery_file import RecoveryFile, recovery_from_mapping, recovery_to_toml
from minicoin.core.primitives.block import RawBlock


def mapping(file: RecoveryFile, **changed: object) -> dict[str, object]:
    return tomllib.loads(recovery_to_toml(file, NETWORK)) | changed


@pytest.mark.parametrize("file", [FILES[0], LOCKED, RecoveryFile(LOCKED.recovery)])
def test_it_is_read_back(file: RecoveryFile) -> None:
    assert recovery_from_mapping(mapping(file), NETWORK) == file


def test_it_says_to_people_what_it_is() -> None:
    text = recovery_to_toml(LOCKED, NETWORK)
    assert LOCKED.recovery.hash.hex() in text
    assert all(key.hex() in text for key in LOCKED.recovery.members.keys)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"network_id": "00" * 32}, "of another network"),
        ({"recovery": "00"}, "recovery cannot be read"),
        ({"block": "00"}, "block cannot be read"),
        ({"block": RawBlock(MADE.blocks[0].block.header, MADE.blocks[0].block.raw).raw.hex()}, "not the one"),
        ({"extra": 1}, "extra is not"),
    ],
)
def test_what_is_wrong_is_named(changed, problem) -> None:
    with pytest.raises(MisuseError, match=problem):
        recovery_from_mapping(mapping(LOCKED, **changed), NETWORK)


def test_a_block_without_a_lock_is_none_that_binds() -> None:
    with pytest.raises(MisuseError, match="not the one"):
        recovery_from_mapping(mapping(FILES[0], block=BLOCK.raw.hex()), NETWORK)
    with pytest.raises(MisuseError, match="whose blocks members sign"):
        recovery_from_mapping(mapping(FILES[0]), replace(lookup("regtest")))
