"""Documents on disk: atomic, torn writes ignored, refusals that keep the old version."""

import os

import pytest

from minicoin.core.faults import MisuseError
from minicoin.drivers.documents import DocumentStore


@pytest.fixture
def store(tmp_path):
    return DocumentStore(tmp_path / "state")


def test_what_was_saved_is_loaded_again(store, tmp_path):
    assert store.load("peers") is None
    store.save("peers", b"one")
    store.save("peers", b"two")
    store.save("bans", b"")
    assert store.load("peers") == b"two"
    again = DocumentStore(tmp_path / "state")
    assert (again.load("peers"), again.load("bans")) == (b"two", b"")
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["bans", "peers"]


def test_a_torn_write_is_never_seen(store, tmp_path):
    store.save("wallet", b"whole")
    (tmp_path / "state" / "wallet.new").write_bytes(b"tor")
    assert store.load("wallet") == b"whole"
    store.save("wallet", b"newer")
    assert store.load("wallet") == b"newer"
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["wallet"]


def test_only_the_owner_may_read(store, tmp_path):
    store.save("wallet", b"secret")
    assert (tmp_path / "state" / "wallet").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_refusing_disk_keeps_the_old_version_and_leaves_no_rest(store, tmp_path, monkeypatch, step):
    store.save("wallet", b"old")

    def refuse(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, refuse)
        with pytest.raises(OSError, match="No space"):
            store.save("wallet", b"new")
    assert store.load("wallet") == b"old"
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["wallet"]


def test_a_damaged_document_is_set_aside_and_kept(store):
    store.save("peers", b"broken")
    aside = store.set_aside("peers")
    assert store.load("peers") is None
    assert aside.read_bytes() == b"broken"


@pytest.mark.parametrize("key", ["", "a/b", ".hidden", "x.new", "../up"])
def test_names_that_are_no_document(store, key):
    with pytest.raises(MisuseError, match="not a document name"):
        store.save(key, b"")
