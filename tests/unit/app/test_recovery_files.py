"""Recoveries that a data directory names."""

from pathlib import Path

import pytest
from tests.unit.chain.five_banks import NETWORK
from tests.unit.members.test_recovery_drafts import FILES, LOCKED

from minicoin.app.recovery_files import FOLDER, keep_recoveries, name_recoveries, read_recovery
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.core.params.recovery_file import recovery_to_toml


def written(path: Path) -> Path:
    path.write_text(recovery_to_toml(LOCKED, NETWORK))
    return path


def test_what_is_named_once_stays_named(tmp_path) -> None:
    datadir = tmp_path / "node"
    assert name_recoveries(NETWORK, datadir).network is NETWORK
    named = name_recoveries(NETWORK, datadir, [written(tmp_path / "given.toml")])
    assert named.network.proof.recoveries == (LOCKED.recovery,)
    assert (named.blocks, named.fresh) == ((LOCKED.block,), (LOCKED,))
    keep_recoveries(named, datadir)
    assert [path.name for path in (datadir / FOLDER).iterdir()] == [f"{LOCKED.recovery.hash.hex()}.toml"]
    again = name_recoveries(NETWORK, datadir)
    assert (again.network, again.blocks, again.fresh) == (named.network, named.blocks, ())
    # Naming it again is nothing new, nor where the network's file names it.
    assert name_recoveries(NETWORK, datadir, [tmp_path / "given.toml"]).network == named.network
    assert name_recoveries(named.network, datadir).network == named.network


def test_what_is_wrong_names_the_file(tmp_path) -> None:
    path = tmp_path / "given.toml"
    with pytest.raises(MisuseError, match=r"cannot read the recovery file .*given\.toml"):
        name_recoveries(NETWORK, tmp_path, [path])
    for text in ("nonsense", "a = " + "9" * 5_000, "a = " + "[" * 50_000):
        path.write_text(text)
        with pytest.raises(MisuseError, match="is not TOML"):
            read_recovery(path, NETWORK)
    written(path)
    with pytest.raises(MisuseError, match=r"given\.toml: .*whose blocks members sign"):
        name_recoveries(lookup("regtest"), tmp_path, [path])
    (tmp_path / FOLDER).mkdir()
    for number in range(64):
        (tmp_path / FOLDER / f"{number}.toml").write_text("")
    with pytest.raises(MisuseError, match="65 recoveries are named"):
        name_recoveries(NETWORK, tmp_path, [path])
    assert FILES


def test_a_full_disk_is_said(tmp_path) -> None:
    named = name_recoveries(NETWORK, tmp_path / "node", [written(tmp_path / "given.toml")])
    (tmp_path / "node").write_text("a file in its place")
    with pytest.raises(MisuseError, match="cannot write"):
        keep_recoveries(named, tmp_path / "node")
