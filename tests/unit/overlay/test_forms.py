"""What there is to choose of each model: the same names as have makers, and no model loaded for it."""

import subprocess
import sys
from dataclasses import fields

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.overlay.forms import FORMS, find_form
from minicoin.core.overlay.table import OVERLAYS


def test_every_form_has_a_maker_and_every_maker_a_form():
    assert list(FORMS) == list(OVERLAYS)
    for name, form in FORMS.items():
        row = OVERLAYS[name]
        assert all(getattr(row, one.name) == getattr(form, one.name) for one in fields(form))


def test_an_unknown_model_is_refused_with_the_names_there_are():
    with pytest.raises(MisuseError, match=f"no network model 'nonsense'; there are {', '.join(FORMS)}"):
        find_form("nonsense")


def test_who_only_reads_a_file_loads_no_model():
    told = "import sys, minicoin.core.overlay.forms; print(*(n for n in sys.modules if n.endswith('.model')))"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
