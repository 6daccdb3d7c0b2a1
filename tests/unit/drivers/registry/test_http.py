"""HTTP to the servers of a registry: places that are none, and failures in words."""

import httpx
import pytest

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.http import HttpServers


@pytest.mark.parametrize("host", ["1.2.3.400", "xn--zz", "xn--a"])
def test_a_place_that_no_url_can_have_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(MisuseError, match=rf"registry: '{host}:2379' is no place of a server: "):
        HttpServers("etcd", ("10.0.0.1:2379", f"{host}:2379"), None, lambda report: None)


@pytest.mark.parametrize("kind", [httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError])
def test_a_server_that_hangs_up_on_a_question_in_the_clear_may_want_tls(kind: type[httpx.TransportError]) -> None:
    servers = HttpServers("Consul", ("127.0.0.1:1",), None, lambda report: None)
    assert "if it speaks TLS, set registry-ca" in servers.words(servers.endpoint, kind("Connection reset by peer"))
