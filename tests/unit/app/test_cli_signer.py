"""A signer starts on a key and its record, and says what is wrong with either."""

from pathlib import Path

import pytest

from minicoin.app.build import STATE_FOLDER
from minicoin.app.cli_signer import held_key
from minicoin.app.signing_key import SIGNING_KEY_FILE, make_signing_key
from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.drivers.store.errors import StoreLocked
from minicoin.drivers.store.lock import DirectoryLock


def test_it_takes_over_the_record_of_the_node(tmp_path: Path) -> None:
    member = make_signing_key(tmp_path, None)
    file, floor = tmp_path / SIGNING_KEY_FILE, tmp_path / "signing.floor"
    with pytest.raises(MisuseError, match=r"copy state/sign-state of the node that had the key to this file"):
        held_key(file, None)
    floor.write_bytes((tmp_path / STATE_FOLDER / SIGN_STATE_KEY).read_bytes())
    held = held_key(file, None)
    assert held.state == SignState(member)
    held.floor.save(SignState(member, 7).encode())
    assert held_key(file, None).state == SignState(member, 7)
    assert floor.stat().st_mode & 0o777 == 0o600
    with pytest.raises(MisuseError, match="start without --sign-from"):
        held_key(file, 3)


def test_an_operator_may_answer_for_a_key_without_record_once(tmp_path: Path) -> None:
    member = make_signing_key(tmp_path, None)
    assert held_key(tmp_path / SIGNING_KEY_FILE, 9).state == SignState(member, 9)
    assert held_key(tmp_path / SIGNING_KEY_FILE, None).state == SignState(member, 9)


@pytest.mark.parametrize(
    ("record", "expected"), [(b"\xff", "is damaged"), (SignState(b"o" * 32).encode(), "is the record of the key")]
)
def test_a_record_that_is_not_the_keys_is_refused(tmp_path: Path, record: bytes, expected: str) -> None:
    make_signing_key(tmp_path, None)
    (tmp_path / "signing.floor").write_bytes(record)
    with pytest.raises(MisuseError, match=expected):
        held_key(tmp_path / SIGNING_KEY_FILE, None)


def test_one_process_has_the_keys_of_a_directory(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(StoreLocked, match="keep the signer's keys in a directory of their own"):
        DirectoryLock(tmp_path, "keep the signer's keys in a directory of their own")
    lock.release()
