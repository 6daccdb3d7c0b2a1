"""Records that come before it is known who signs them, and what several ask of a key; the parts that stand on the desk
test the rest."""

import pytest
from tests.unit.configuration.bank import ASKED, Bank, configuration, made
from tests.unit.signers.banks import KEYS

from minicoin.core.answers import Reason
from minicoin.core.commands import ProposeSettings
from minicoin.core.configuration.form import CONFIGURATION_KEY
from minicoin.core.effects import SignStatement
from minicoin.core.events import Saved, StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import STATEMENTS_EARLY_MAX, STATEMENTS_EARLY_US, STATEMENTS_RETRY_US
from minicoin.core.records.held import Taken
from minicoin.core.units import Micros


def test_a_record_of_a_height_to_come_waits_for_it() -> None:
    bank = Bank()
    bank.run()
    assert bank.take(made(configuration(1, 8, mempool_mb=50))) is Taken.EARLY
    assert bank.flow.next_deadline() == bank.now + STATEMENTS_RETRY_US
    bank.known = 8
    bank.now = Micros(bank.now + STATEMENTS_RETRY_US)
    bank.run()
    assert bank.node["mempool_mb"] == "50"


def test_what_waits_is_bounded_and_is_given_up() -> None:
    bank = Bank()
    bank.run()
    for group in range(STATEMENTS_EARLY_MAX):
        bank.take(made(configuration(1, 90, mempool_mb=50)), bytes((group,)))
    bank.take(made(configuration(2, 8, mempool_mb=50)), b"too late")
    bank.known = 8
    bank.now = Micros(bank.now + STATEMENTS_RETRY_US)
    bank.run()
    assert bank.flow.state.current.version == 0
    bank.now = Micros(bank.now + STATEMENTS_EARLY_US)
    bank.run()
    assert bank.flow.next_deadline() is None


def test_one_version_is_signed_at_a_time() -> None:
    bank = Bank()
    bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "50"),)), bank.now)
    with pytest.raises(MisuseError, match="another version of the configuration is being signed"):
        bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "60"),)), bank.now)


def test_a_key_that_does_not_sign_says_why() -> None:
    bank = Bank()
    bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "50"),)), bank.now)
    bank.flow.on_saved(Saved(CONFIGURATION_KEY))
    asked = bank.emitted[-1]
    assert isinstance(asked, SignStatement)
    bank.flow.on_signed(StatementSigned(asked.member, asked.kind, asked.body, None, "the signer is gone"), bank.now)
    assert bank.refusals == [(Reason.UNABLE, "it is not signed: the signer is gone")]


def test_who_signs_a_height_that_is_not_known_is_not_guessed() -> None:
    bank = Bank()
    bank.known = 0
    with pytest.raises(MisuseError, match="let the node catch up"):
        bank.flow.handle(ASKED, ProposeSettings((("mempool_mb", "50"),)), bank.now)
    assert len(KEYS) == 5
