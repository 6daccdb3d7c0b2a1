import hmac
import stat
from pathlib import Path

import pytest

from minicoin.rpc.auth import Auth, Credentials, MethodRights, SaltedUser, read_address, read_cookie


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


def _salted(user: str, salt: str, password: str) -> SaltedUser:
    digest = hmac.new(salt.encode(), password.encode(), "sha256").hexdigest()
    return SaltedUser.parse(f"{user}:{salt}${digest}")


def test_users_whose_passwords_are_hashed_are_accepted_each_with_its_own() -> None:
    auth = Auth(None, None, (_salted("alice", "ab12", "wonder:land"), _salted("bob", "cd34", "builder")))
    assert auth.accepts(Credentials("alice", "wonder:land").header.encode())
    assert auth.accepts(Credentials("bob", "builder").header.encode())
    for wrong in (Credentials("alice", "builder"), Credentials("bob", ""), Credentials("carol", "builder")):
        assert not auth.accepts(wrong.header.encode())
    for broken in (b"Basic", b"Basic !!!!", b"Basic YWxpY2U=", b"Basic /w=="):
        assert not auth.accepts(broken)


@pytest.mark.parametrize("text", ["alice", "alice:salt", "alice:salt$", "alice:salt$12", ":salt$" + 64 * "0"])
def test_what_is_no_hashed_user_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rpcauth"):
        SaltedUser.parse(text)


@pytest.mark.parametrize(
    ("rows", "default", "user", "allowed"),
    [
        ((), None, "alice", {"stop", "uptime"}),
        (("alice:stop",), None, "alice", {"stop"}),
        (("alice:stop,",), None, "bob", set()),
        (("alice:stop",), True, "bob", {"stop", "uptime"}),
        ((), False, "bob", set()),
        (("alice:stop, uptime", "alice:uptime"), None, "alice", {"uptime"}),
        (("alice:",), True, "alice", set()),
        (("alice",), True, "alice", set()),
    ],
)
def test_what_users_may_call(rows, default: bool | None, user: str, allowed: set[str]) -> None:
    rights = MethodRights(rows, is_default_anything=default)
    auth = Auth(None, Credentials(user, "secret"), rights=rights)
    header = Credentials(user, "secret").header.encode()
    assert auth.accepts(header)
    assert {method for method in ("stop", "uptime") if auth.allows(header, method)} == allowed
