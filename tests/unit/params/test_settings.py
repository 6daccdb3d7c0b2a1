"""The table of what members may set."""

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.params.settings import ALERT_TEXT, MIN_INTERVAL, SETTINGS, SettingScope, problems, setting_problem


@pytest.mark.parametrize("text", ["0", "86401", "-1", "05", "+5", "5.0", "", " 5", "five", "٥", "9" * 500])
def test_a_number_out_of_its_range_or_its_form_is_refused(text):
    with pytest.raises(DecodeError, match="min_interval_s is a number from 1 to 86400, in s"):
        MIN_INTERVAL.number(text)


def test_a_number_within_is_read():
    assert [MIN_INTERVAL.number(text) for text in ("1", "60", "86400")] == [1, 60, 86_400]


def test_texts_are_bounded():
    ALERT_TEXT.check("")
    ALERT_TEXT.check("ä" * 128)
    with pytest.raises(DecodeError, match="0 to 256 bytes"):
        ALERT_TEXT.check("ä" * 129)


def test_each_setting_is_set_in_one_way():
    assert setting_problem("min_interval_s", "5", SettingScope.CHAIN) is None
    assert setting_problem("min_interval_s", "5", SettingScope.NODE) == "min_interval_s is set by a block"
    assert setting_problem("mempool_mb", "50", SettingScope.CHAIN) == "mempool_mb is set by a record"
    assert setting_problem("nonsense", "5", SettingScope.NODE) == "nonsense is no setting that this version knows"


def test_what_is_not_understood_is_told_apart_from_the_rest():
    settings = (("alert", "hello"), ("later", "1"), ("mempool_mb", "4"))
    assert problems(settings, SettingScope.NODE) == (
        "later is no setting that this version knows",
        "mempool_mb is a number from 5 to 1000000, in MB, not '4'",
    )


def test_names_can_be_carried():
    for name, row in SETTINGS.items():
        assert name == row.name and row.low <= row.high and row.says
