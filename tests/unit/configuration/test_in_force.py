"""What a node goes by: its own, what is signed, and which of the two."""

from minicoin.core.configuration.in_force import InForce, SignedValue
from minicoin.core.configuration.settable import Settable, SettingSource
from minicoin.core.params.settings import INBOUND, MEMPOOL_SIZE


class Fixture:
    def __init__(self, chosen=()):
        self.values = {"mempool_mb": "300", "inbound_slots": "115"}
        self.puts = []
        settables = [self._settable(row) for row in (MEMPOOL_SIZE, INBOUND)]
        self.in_force = InForce(settables, chosen)

    def _settable(self, row):
        def put(text):
            self.puts.append((row.name, text))
            self.values[row.name] = text

        return Settable(row, SettingSource.DEFAULT, lambda: self.values[row.name], put)

    def apply(self, **signed):
        self.in_force.apply({name: SignedValue(value, 7, (b"k",)) for name, value in signed.items()})


def test_what_is_signed_is_put_once_and_taken_back() -> None:
    made = Fixture()
    made.apply(mempool_mb="50")
    made.apply(mempool_mb="50")
    made.apply()
    assert made.puts == [("mempool_mb", "50"), ("mempool_mb", "300")]


def test_it_is_told_whose_word_a_value_is() -> None:
    made = Fixture(chosen=("inbound_slots",))
    made.apply(mempool_mb="50", inbound_slots="20", later="1", alert="hi")
    rows = {row.name: row for row in made.in_force.values()}
    assert [(rows[name].value, rows[name].source) for name in ("mempool_mb", "inbound_slots", "alert")] == [
        ("50", SettingSource.RECORD),
        ("115", SettingSource.OPTION),
        ("hi", SettingSource.RECORD),
    ]
    assert (rows["mempool_mb"].version, rows["mempool_mb"].signers) == (7, (b"k",))
    assert "operator chose otherwise" in rows["inbound_slots"].problem
    assert rows["later"].problem == "later is no setting that this version knows"
    assert made.in_force.unknown == ("later is no setting that this version knows",)


def test_an_alert_that_is_too_long_is_not_shown() -> None:
    made = Fixture()
    made.apply(alert="x" * 257)
    assert made.in_force.alert == ""
    assert made.in_force.unknown == ("alert has 0 to 256 bytes",)
