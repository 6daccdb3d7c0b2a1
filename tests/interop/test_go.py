"""go-libp2p as a real peer, in both directions."""

from tests.interop.peers import GO, check_as_dialler, check_as_listener


def test_we_dial_go() -> None:
    check_as_dialler(GO)


def test_go_dials_us() -> None:
    check_as_listener(GO)
