"""What of Consul's answers counts."""

import json
from base64 import b64encode

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.limits import REGISTRY_VALUE_BYTES_MAX
from minicoin.drivers.registry.consul_api import StoredValue, read_conflict, read_folders, read_values


def test_values_are_base64_and_an_empty_one_is_null() -> None:
    raw = b'[{"LockIndex":1,"Key":"m/a","Value":"dg==","Session":"s","ModifyIndex":7},{"Key":"m/b","Value":null}]'
    assert read_values(raw) == (StoredValue("m/a", b"v"), StoredValue("m/b", b""))
    assert read_values(b"[]") == ()


@pytest.mark.parametrize(("more", "is_read"), [(0, True), (4, False), (1_000_000, False)])
def test_what_is_too_long_is_known_by_its_text(more: int, is_read: bool) -> None:
    value = b"x" * (REGISTRY_VALUE_BYTES_MAX + more)
    (found,) = read_values(json.dumps([{"Key": "k", "Value": b64encode(value).decode()}]).encode())
    assert found == StoredValue("k", value if is_read else None)


def test_folders_are_what_ends_with_a_slash() -> None:
    assert read_folders(b'["m/a/","m/b",7,"m/c/"]') == ("m/a/", "m/c/")


def test_a_conflict_has_a_word() -> None:
    raw = b'{"Results":null,"Errors":[{"OpIndex":0,"What":"Permission denied"},{"OpIndex":1,"What":"invalid session"}]}'
    assert read_conflict(raw) == "Permission denied; invalid session"
    assert read_conflict(b"{}") == "a conflict"
    assert len(read_conflict(json.dumps({"Errors": [{"What": "x" * 10_000}]}).encode())) == 300


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"null", b"\xff", b"[" * 100_000, b"[1]", b'[{"Key":1}]', b'[{"Key":"k","Value":1}]',
        b'[{"Key":"k","Value":"!"}]', b'[{"Key":"k","Value":"\xc3\xbc=="}]',
    ],
)  # fmt: skip
def test_what_no_server_says_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        read_values(raw)


@pytest.mark.parametrize("raw", [b"[]", b'{"Errors":{}}', b'{"Errors":[1]}', b'{"Errors":[{"What":1}]}'])
def test_what_is_no_conflict_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        read_conflict(raw)
