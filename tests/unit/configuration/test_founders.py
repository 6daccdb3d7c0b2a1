"""Settings that founders sign, record by record."""

import pytest
from tests.unit.alarms import check_alarm
from tests.unit.records.world import ALICE, BOB, DAVE, GROUP, NOW, record_of, signer_of, store_of

from minicoin.core.configuration.founders import FounderSettings
from minicoin.core.configuration.settable import Settable, SettingSource
from minicoin.core.faults import PeerFault
from minicoin.core.notices import ConfigurationChanged
from minicoin.core.params.settings import MEMPOOL_SIZE
from minicoin.core.records.held import Taken


class Node:
    def __init__(self, store=None):
        self.size = "300"
        self.store = store or store_of()
        settable = Settable(MEMPOOL_SIZE, SettingSource.DEFAULT, lambda: self.size, self._put)
        self.settings = FounderSettings(self.store, [settable], ())
        self.settings.on_start(NOW)

    def _put(self, text):
        self.size = text

    def take(self, *signers, key="mempool_mb", value=b"50", version=NOW, **more):
        return self.store.take(
            record_of(*signers, kind="config", key=key, value=value, version=version, **more), GROUP, NOW
        )

    def run(self):
        told = []
        while (deadline := self.settings.next_deadline()) is not None and deadline <= NOW:
            told += self.settings.on_deadline(NOW)
        check_alarm(self.settings)
        return told


def test_what_founders_sign_holds_until_they_take_it_back():
    node = Node()
    assert node.take(ALICE, BOB) is Taken.NEW
    (changed,) = node.run()
    assert changed == ConfigurationChanged(
        NOW, 0, (("mempool_mb", "50"),), tuple(sorted(map(signer_of, (ALICE, BOB)))), ()
    )
    assert node.size == "50"
    assert Node(node.store).size == "50"
    node.take(ALICE, BOB, value=b"", version=NOW + 1)
    node.run()
    assert node.size == "300"


def test_what_is_older_or_signed_by_too_few_changes_nothing():
    node = Node()
    node.take(ALICE, BOB, version=NOW + 1)
    node.run()
    assert node.take(ALICE, BOB, value=b"60") is Taken.OLD
    assert node.take(ALICE, value=b"60", version=NOW + 2) is Taken.NOT_ALLOWED
    assert node.take(ALICE, DAVE, value=b"60", version=NOW + 2) is Taken.NOT_ALLOWED
    with pytest.raises(PeerFault, match="forged"):
        node.take(ALICE, BOB, value=b"60", version=NOW + 2, network_id=b"f" * 32)
    assert node.run() == [] and node.size == "50"


def test_what_is_no_setting_is_shown_and_harms_nothing():
    node = Node()
    node.take(ALICE, BOB, key="blocks", value=b"one a minute")
    node.take(ALICE, BOB, key="raw", value=b"\xff\x00", version=NOW + 1)
    node.take(ALICE, BOB, key="mempool_mb", value=b"4", version=NOW + 2)
    (changed,) = node.run()
    assert len(changed.unknown) == 2 and node.size == "300"
    rows = {row.name: row for row in node.settings.values()}
    assert rows["blocks"].value == "one a minute" and "raw" not in rows
    assert "from 5 to" in rows["mempool_mb"].problem


def test_an_alert_is_a_warning():
    node = Node()
    assert node.settings.warnings() == ()
    node.take(ALICE, BOB, key="alert", value=b"hello")
    node.run()
    assert node.settings.warnings() == ("alert by the founders: hello",)
