"""Names of addresses: given once or later, only to the wallet's own, short."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.limits import WALLET_LABEL_CHARACTERS_MAX
from minicoin.core.params.builtin import REGTEST
from minicoin.core.script.standard import script_address
from minicoin.core.wallet.keys import Chain
from minicoin.core.wallet.labels import AddressLabels

FORM = REGTEST.address_format


class Keys:
    """A keyring's part here: scripts of one byte that differs, in the order they were handed out."""

    def __init__(self):
        self.scripts = []

    def hand_out(self, chain):
        self.scripts.append(b"\x00\x14" + bytes(19) + bytes((len(self.scripts) + 1,)))
        return self.scripts[-1]

    def path_of(self, script):
        return self.scripts.index(script) if script in self.scripts else None

    def handed_out(self, chain):
        return self.scripts if chain is Chain.RECEIVING else []


@pytest.fixture
def labels():
    return AddressLabels(Keys(), FORM, ())


def test_an_address_is_handed_out_with_its_name_or_without(labels):
    named, plain = labels.new_address("rent"), labels.new_address("")
    assert (labels.label(named.script_pubkey), labels.label(plain.script_pubkey)) == ("rent", "")
    assert named.address == script_address(named.script_pubkey, FORM)
    assert labels.labels == ((named.script_pubkey, "rent"),)
    entries = labels.entries(Chain.RECEIVING)
    assert [(entry.address, entry.label, entry.path.index) for entry in entries] == [
        (named.address, "rent", 0),
        (plain.address, "", 1),
    ]
    assert labels.entries(Chain.CHANGE) == ()


def test_a_name_is_changed_but_for_no_strangers_address(labels):
    mine = labels.new_address("rent")
    labels.set_label(mine.address, "food")
    assert labels.label(mine.script_pubkey) == "food"
    stranger = script_address(b"\x00\x14" + b"s" * 20, FORM)
    with pytest.raises(MisuseError, match="not of this wallet"):
        labels.set_label(stranger, "food")


def test_a_name_has_its_bound(labels):
    mine = labels.new_address("x" * WALLET_LABEL_CHARACTERS_MAX)
    with pytest.raises(MisuseError, match=f"at most {WALLET_LABEL_CHARACTERS_MAX} characters"):
        labels.set_label(mine.address, "x" * (WALLET_LABEL_CHARACTERS_MAX + 1))
    with pytest.raises(MisuseError):
        labels.new_address("x" * (WALLET_LABEL_CHARACTERS_MAX + 1))


def test_names_outlive_a_restart(labels):
    mine = labels.new_address("rent")
    assert AddressLabels(Keys(), FORM, labels.labels).label(mine.script_pubkey) == "rent"
