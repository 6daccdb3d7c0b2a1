"""Places of servers that are none in a URL."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.http import HttpServers


@pytest.mark.parametrize("host", ["1.2.3.400", "xn--zz", "xn--a"])
def test_a_place_that_no_url_can_have_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(MisuseError, match=rf"registry: '{host}:2379' is no place of a server: "):
        HttpServers("etcd", ("10.0.0.1:2379", f"{host}:2379"), None, lambda report: None)
