"""Settings of network models: every mistake is named, with what there is."""

from dataclasses import replace

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.params.models import AddressesSetting, ChoiceSetting, IntSetting, ModelForm, SettingProblem
from minicoin.core.primitives.address import NodeAddress

FORM = ModelForm(
    roles=("leaf", "super"),
    settings=(
        IntSetting("fanout", 3, 1, 64, "Neighbours that are told."),
        ChoiceSetting("mode", "push", ("push", "pull"), "Who begins."),
        AddressesSetting("index", "Where the index is.", 2, lambda text: NodeAddress.parse(text, 8333)),
    ),
)


def test_what_is_not_given_has_its_default():
    given = FORM.check({"mode": "pull"})
    assert given == (("mode", "pull"),)
    assert FORM.complete(given) == {"fanout": 3, "mode": "pull", "index": ()}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"fanout": 0}, "fanout must be 1 to 64, not 0"),
        ({"fanout": True}, "fanout must be a whole number, not True"),
        ({"fanout": "3"}, "fanout must be a whole number, not '3'"),
        ({"mode": "shove"}, "mode must be one of push, pull, not 'shove'"),
        ({"index": "a:1"}, "index must be a list of addresses, not 'a:1'"),
        ({"index": ["a:1", "b:2", "c:3"]}, "index holds 3 addresses, at most 2"),
        ({"index": ["a:b:"]}, "index holds 'a:b:': not a"),
        ({"fanuot": 3}, r"fanuot is no setting of this network model; did you mean fanout\?"),
        ({"x": 3}, "x is no setting of this network model; there are fanout, mode, index"),
    ],
)
def test_a_file_s_mistake_is_named(given, problem):
    with pytest.raises(SettingProblem, match=f"^{problem}"):
        FORM.check(given)


def test_a_command_line_gives_the_same_values():
    words = ("index=a:1, b:2", "fanout=4", "mode=pull")
    assert FORM.parse(words) == FORM.check({"fanout": 4, "mode": "pull", "index": ["a:1", "b:2"]})


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("fanout", "'fanout' must be NAME=VALUE, as in fanout=4"),
        ("fanout=x", "fanout must be a whole number, not 'x'"),
        ("fanout=65", "fanout must be 1 to 64, not 65"),
        ("y=1", "y is no setting of this network model"),
    ],
)
def test_a_command_line_s_mistake_is_named(word, problem):
    with pytest.raises(MisuseError, match=problem):
        FORM.parse((word,))


def test_a_model_without_settings_says_so():
    with pytest.raises(SettingProblem, match="fanout is no setting of this network model; it has none"):
        ModelForm().check({"fanout": 3})


def test_roles_are_the_model_s():
    asked = replace(FORM, questions="ask/1")
    assert [asked.questions_to(role) for role in ("", "leaf", "super")] == ["ask/1", "ask/1", ""]
    assert (FORM.role(""), FORM.role("super"), ModelForm().role("")) == ("leaf", "super", "member")
    with pytest.raises(MisuseError, match="no role 'index' in this network's model; there are leaf, super"):
        FORM.role("index")
