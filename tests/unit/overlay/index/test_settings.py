"""What a network file says of the index model."""

import pytest

from minicoin.core.overlay.index.settings import SETTINGS, IndexSettings
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.models import SettingProblem
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US

ROW = OVERLAYS["index"]


def test_defaults_and_what_is_given():
    made = IndexSettings.of(ROW.complete(()))
    assert made == IndexSettings((), 8, SECOND_US, 1_200 * SECOND_US)
    given = ROW.check({"index": ["10.0.0.1:8333"], "neighbours": 4})
    made = IndexSettings.of(ROW.complete(given))
    assert (made.index, made.neighbours) == ((NodeAddress("10.0.0.1", 8333),), 4)


@pytest.mark.parametrize("given", [{"index": ["/nonsense"]}, {"index": ["a:b"]}, {"renew_s": 9}, {"neighbours": 33}])
def test_mistakes_are_refused(given):
    with pytest.raises(SettingProblem):
        ROW.check(given)


def test_every_setting_says_what_it_means():
    assert all(setting.says.endswith(".") for setting in SETTINGS)
