"""py-libp2p as a real peer, in both directions."""

from tests.interop.peers import PY, check_as_dialler, check_as_listener


def test_we_dial_py() -> None:
    check_as_dialler(PY)


def test_py_dials_us() -> None:
    check_as_listener(PY)
