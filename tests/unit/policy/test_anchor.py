"""An anchor's file: what is written reads back the same, every mistake is named, and so is a chain that is not its."""

import tomllib
from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import FOUNDERS, JOINED, NETWORK, certify, items, listed
from tests.unit.signers.banks import FIRST

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import MisuseError
from minicoin.core.limits import MEMBERS_MAX
from minicoin.core.params.builtin import lookup
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.anchor import Anchor, anchor_from_mapping, anchor_to_toml
from minicoin.core.signers.admission import ADMISSION_BYTES_MAX
from minicoin.core.signers.members import MemberList

ANCHOR = Anchor(9, items(9)[8].header.hash, listed(JOINED), FIRST)
FILE = tomllib.loads(anchor_to_toml(ANCHOR, NETWORK))
OTHERS = replace(NETWORK, proof=SignersKind(listed(FOUNDERS).keys[1:], tuple("bcde")))


@pytest.mark.parametrize(
    "anchor",
    [
        ANCHOR,
        replace(ANCHOR, admission=None),
        Anchor((1 << 32) - 2, ANCHOR.block, MemberList(tuple(bytes((n,)) * 32 for n in range(MEMBERS_MAX)))),
    ],
)
def test_what_is_written_reads_back_the_same(anchor):
    assert anchor_from_mapping(tomllib.loads(anchor_to_toml(anchor, NETWORK)), NETWORK) == anchor


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("network_id", OTHERS.network_id.hex(), "it is of another network than banks"),
        ("network_id", "00", "network_id must have 32 bytes"),
        ("height", 0, "height must be 1 to"),
        ("height", "9", "height must be a whole number"),
        ("height", None, "height is missing"),
        ("hash", "77", "hash is no block hash"),
        ("members", None, "members is no list of members"),
        ("members", [1], "members must hold strings only"),
        ("members", ["zz"], "members must hold keys of 32 bytes"),
        ("members", ["00" * 31], "members must hold keys of 32 bytes"),
        ("members", FILE["members"][::-1], "stand in order, each once"),
        ("members", FILE["members"][:1] * 2, "stand in order, each once"),
        ("members", [f"{number:064x}" for number in range(MEMBERS_MAX + 1)], "not 101"),
        ("admission", "0g", "admission must be hexadecimal"),
        ("admission", "00" * (ADMISSION_BYTES_MAX + 1), "is no admission: an admission of"),
        ("admission", "0011", "is no admission"),
        ("hight", 9, "hight is not a known key; did you mean height?"),
    ],
)
def test_every_mistake_is_named_with_its_key(key, value, complaint):
    mapping = {name: old for name, old in FILE.items() if name != key}
    if value is not None:
        mapping[key] = value
    with pytest.raises(MisuseError) as refused:
        anchor_from_mapping(mapping, NETWORK)
    assert str(refused.value).startswith("anchor file: ") and complaint in str(refused.value)


def test_networks_of_work_have_none():
    with pytest.raises(MisuseError, match="regtest is not one"):
        anchor_from_mapping(FILE, lookup("regtest"))


def test_a_chain_that_is_not_its_is_told_apart():
    chain = items(9)
    assert [ANCHOR.contradiction(item.certificate) for item in chain] == [None] * 9
    other_block = certify(b"?" * 32, 9)
    assert hash_to_hex(ANCHOR.block) in ANCHOR.contradiction(other_block)
    other_members = certify(ANCHOR.block, 9, following=listed(FOUNDERS))
    assert "other members" in ANCHOR.contradiction(other_members)
