import stat
from pathlib import Path

from minicoin.rpc.auth import Auth, Credentials, read_address, read_cookie


def test_the_cookie_is_private_and_goes_away(tmp_path: Path) -> None:
    auth = Auth(tmp_path)
    auth.open()
    auth.publish("127.0.0.1", 17443)
    path = tmp_path / ".cookie"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    cookie = read_cookie(tmp_path)
    assert cookie is not None
    assert cookie.user == "__cookie__"
    assert len(bytes.fromhex(cookie.password)) == 32
    assert auth.accepts(cookie.header.encode())
    assert read_address(tmp_path) == ("127.0.0.1", 17443)
    auth.close()
    assert list(tmp_path.iterdir()) == []
    assert read_cookie(tmp_path) is None
    assert read_address(tmp_path) is None


def test_each_start_has_a_cookie_of_its_own(tmp_path: Path) -> None:
    first, second = Auth(tmp_path), Auth(tmp_path)
    first.open()
    old = read_cookie(tmp_path)
    second.open()
    new = read_cookie(tmp_path)
    assert old is not None and new is not None and old != new
    assert not second.accepts(old.header.encode())


def test_a_stale_cookie_of_a_killed_node_is_replaced(tmp_path: Path) -> None:
    (tmp_path / ".cookie").write_text("__cookie__:old")
    (tmp_path / ".cookie.tmp").write_text("torn")
    auth = Auth(tmp_path)
    auth.open()
    assert not auth.accepts(Credentials("__cookie__", "old").header.encode())


def test_a_configured_user_is_accepted_beside_the_cookie(tmp_path: Path) -> None:
    alice = Credentials("alice", "secret:with colon")
    auth = Auth(tmp_path, alice)
    auth.open()
    assert auth.accepts(alice.header.encode())
    assert auth.accepts(alice.header.replace("Basic", "basic").encode())
    assert not auth.accepts(Credentials("alice", "secret").header.encode())


def test_everything_else_is_refused(tmp_path: Path) -> None:
    auth = Auth(tmp_path)
    for header in (b"", b"Basic", b"Basic ", b"Bearer x", b"Basic !!!", b"\xff"):
        assert not auth.accepts(header)


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in repr(Credentials("alice", "hunter2"))


def test_a_directory_without_a_node(tmp_path: Path) -> None:
    assert read_cookie(tmp_path / "missing") is None
    (tmp_path / ".cookie").write_text("garbage")
    assert read_cookie(tmp_path) is None
