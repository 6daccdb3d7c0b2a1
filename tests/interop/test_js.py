"""js-libp2p as a real peer, in both directions."""

from tests.interop.peers import JS, check_as_dialler, check_as_listener


def test_we_dial_js() -> None:
    check_as_dialler(JS)


def test_js_dials_us() -> None:
    check_as_listener(JS)
