import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.address import NodeAddress


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 5),
        ("127.0.0.1:80", "127.0.0.1", 80),
        ("[::1]:80", "::1", 80),
        ("::1", "::1", 5),
        ("[::ffff:10.0.0.1]:80", "10.0.0.1", 80),
        (" Node.Example:80 ", "node.example", 80),
        ("seed_1.example.:80", "seed_1.example.", 80),
        ("localhost", "localhost", 5),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 5),
    ],
)
def test_addresses_are_read(text: str, host: str, port: int) -> None:
    assert NodeAddress.parse(text, 5) == NodeAddress(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "host:٣",
        "[::1",
        "[::1]x",
        # What would make a resolver raise instead of fail.
        "a\0b:1",
        "x" * 64 + ".example:1",
        ("x" * 60 + ".") * 5 + "example:1",
        "..:1",
        "a..b",
        "a b",
        "-a:1",
        "a-:1",
        "bücher.example",
        "%00:1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        NodeAddress.parse(text, 5)
