from pathlib import Path

import pytest

from minicoin.app.lab.plan import NODES_MAX, assign_roles, plan_lab
from minicoin.app.networks import read_network
from minicoin.core.faults import MisuseError
from minicoin.core.overlay.table import OVERLAYS
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.models import ModelForm


@pytest.mark.parametrize(("count", "number"), [(2, 1), (12, 1), (50, 1)])
def test_one_index_and_it_comes_first(count: int, number: int) -> None:
    roles = assign_roles("index", OVERLAYS["index"], count)
    assert roles == ("index",) * number + ("member",) * (count - number)


@pytest.mark.parametrize(("count", "number"), [(3, 2), (8, 2), (12, 3), (50, 12)])
def test_a_quarter_of_super_nodes_and_never_fewer_than_two(count: int, number: int) -> None:
    roles = assign_roles("supernode", OVERLAYS["supernode"], count)
    assert roles == ("super",) * number + ("leaf",) * (count - number)


def test_where_nobody_leans_on_others_all_are_alike() -> None:
    assert assign_roles("kademlia", ModelForm(("server", "client")), 3) == ("server",) * 3
    assert assign_roles("random", OVERLAYS["random"], 2) == ("member", "member")


@pytest.mark.parametrize(
    ("name", "count", "problem"),
    [
        ("supernode", 2, "supernode has at least 3 nodes, of which 2 with the role super; not 2"),
        ("index", 1, "index has at least 2 nodes, of which 1 with the role index; not 1"),
    ],
)
def test_too_few_nodes_for_the_roles(name: str, count: int, problem: str) -> None:
    with pytest.raises(MisuseError, match=problem):
        assign_roles(name, OVERLAYS[name], count)


def test_each_node_is_told_of_one_that_others_lean_on() -> None:
    plan = plan_lab(6, "regtest", "supernode", ())
    addresses = ("one", "two", "three")
    assert [plan.dials(index, addresses) for index in range(6)] == [
        *((), ("one",), ("one",), ("two",), ("one",), ("two",))
    ]
    alike = plan_lab(3, "regtest", None, ())
    assert [alike.dials(index, addresses) for index in range(3)] == [(), ("one",), ("one",)]


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_chosen_model_is_written_down_for_the_nodes(name: str, tmp_path: Path) -> None:
    plan = plan_lab(3, "regtest", name, ())
    told = plan.name_for_nodes(tmp_path / "lab")
    assert read_network(Path(told)) == plan.network
    assert (plan.network.overlay, plan.network.own_messages) == (name, True)
    # The model is no rule: who knows regtest is in the same network.
    assert plan.network.network_id == REGTEST.network_id
    assert plan.told().startswith(f"{name}: ")


def test_without_one_the_network_s_own_holds(tmp_path: Path) -> None:
    plan = plan_lab(3, "regtest", None, ())
    assert plan.network == REGTEST
    assert plan.name_for_nodes(tmp_path / "lab") == "regtest"
    assert not (tmp_path / "lab").exists()


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("a file")
    with pytest.raises(MisuseError, match=r"cannot write .*lab/network.toml"):
        plan_lab(3, "regtest", "random", ()).name_for_nodes(tmp_path / "lab")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("0",), "0 is not at least 1"),
        ((str(NODES_MAX + 1),), f"at most {NODES_MAX}"),
        (("3", "--overlay", "nonsense"), "no network model 'nonsense' for --overlay; there are random"),
        (("3", "--overlay", "random", "--overlay-setting", "speed=2"), "--overlay-setting: speed is no setting"),
        (("3", "--overlay-setting", "speed=2"), "name that by --overlay"),
        (("3", "--network", "nowhere"), "unknown network 'nowhere'"),
    ],
)
def test_what_is_no_lab(cli, words: tuple[str, ...], problem: str) -> None:
    ran = cli("lab", "up", *words, "--once")
    assert ran.code != 0
    assert problem in ran.err
