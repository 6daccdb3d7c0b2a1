"""Which files the TLS of a client is made of, shown by handshakes in memory."""

import os
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.settings import TlsFiles
from minicoin.drivers.registry.tls import Tls
from minicoin.drivers.reports import RegistryFilesReplaced, RegistryWarned, Report


def put(place: Path, raw: bytes) -> None:
    """By renaming: a file that is written over within a tick of the clock and as long as before may look as before."""
    fresh = place.with_suffix(".fresh")
    fresh.write_bytes(raw)
    fresh.replace(place)


class Bench:
    """One client's files of one authority, and a server of the same."""

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.files = TlsFiles(directory / "ca.pem", directory / "node.pem", directory / "node.key")
        self.authority.cert_pem.write_to_path(self.files.ca)
        self.issue("first.example")
        self.log: list[Report] = []

    def issue(self, name: str) -> None:
        """A new certificate with its key, in the places of the old ones."""
        issued = self.authority.issue_cert(name)
        put(self.files.cert, issued.cert_chain_pems[0].bytes())
        put(self.files.key, issued.private_key_pem.bytes())

    def tls(self) -> Tls:
        return Tls(self.files, lambda: "https://etcd1", self.log.append)

    def name_shown(self, client: ssl.SSLContext) -> str:
        """What the server is shown in a handshake."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("etcd1").configure_cert(context)
        self.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        left = client.wrap_bio(back, there, server_hostname="etcd1")
        right = context.wrap_bio(there, back, server_side=True)
        for _ in range(3):
            for side in (left, right):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        shown = right.getpeercert()
        assert shown is not None
        ((_, name),) = shown["subjectAltName"]
        return name


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_context_stays_as_long_as_the_files_do(bench: Bench) -> None:
    tls = bench.tls()
    context = tls.context()
    assert tls.context() is context and bench.name_shown(context) == "first.example"
    assert bench.log == []


def test_replaced_files_make_another_context_once(bench: Bench) -> None:
    tls = bench.tls()
    bench.issue("second.example")
    context = tls.context()
    assert tls.context() is context and bench.name_shown(context) == "second.example"
    assert bench.log == [RegistryFilesReplaced("https://etcd1")]


def test_a_file_that_is_moved_into_place_counts_however_old_it_is(bench: Bench, tmp_path: Path) -> None:
    tls = bench.tls()
    before, status = tls.context(), bench.files.ca.stat()
    fresh = tmp_path / "fresh.pem"
    fresh.write_bytes(bench.files.ca.read_bytes())
    os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))
    fresh.replace(bench.files.ca)
    assert tls.context() is not before


def test_what_is_replaced_while_it_is_read_is_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = bench.tls()
    bench.issue("second.example")
    load = ssl.create_default_context

    def slow(cafile: Path) -> ssl.SSLContext:
        monkeypatch.undo()
        context = load(cafile=cafile)
        bench.issue("third.example")
        return context

    monkeypatch.setattr(ssl, "create_default_context", slow)
    tls.context()
    assert bench.name_shown(tls.context()) == "third.example"


@pytest.mark.parametrize("name", ["ca", "cert", "key"])
@pytest.mark.parametrize("raw", [None, b"", b"-----BEGIN CERTIFICATE-----\n", b"\xff" * 100])
def test_what_cannot_be_used_changes_nothing_but_a_warning(bench: Bench, name: str, raw: bytes | None) -> None:
    tls = bench.tls()
    before, path = tls.context(), getattr(bench.files, name)
    if raw is None:
        path.unlink()
    else:
        path.write_bytes(raw)
    assert tls.context() is before and tls.context() is before
    (warning,) = bench.log
    assert isinstance(warning, RegistryWarned)
    assert warning.reason.startswith("what was replaced cannot be used, what was there before stays in use: registry-")
    with pytest.raises(MisuseError, match="registry-ca, registry-cert or registry-key"):
        bench.tls()


def test_a_certificate_without_its_key_waits_for_it(bench: Bench) -> None:
    tls = bench.tls()
    key = bench.files.key.read_bytes()
    bench.issue("second.example")
    fresh = bench.files.key.read_bytes()
    put(bench.files.key, key)
    assert bench.name_shown(tls.context()) == "first.example"
    put(bench.files.key, fresh)
    assert bench.name_shown(tls.context()) == "second.example"
    assert [type(report) for report in bench.log] == [RegistryWarned, RegistryFilesReplaced]


def test_a_key_with_a_passphrase_is_refused_instead_of_asked_for(bench: Bench) -> None:
    key = load_pem_private_key(bench.files.key.read_bytes(), None)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    bench.files.key.write_bytes(sealed)
    with pytest.raises(MisuseError, match="without a passphrase"):
        bench.tls()


def test_without_a_certificate_of_our_own_the_authority_alone_counts(bench: Bench) -> None:
    tls = Tls(TlsFiles(bench.files.ca), lambda: "https://etcd1", bench.log.append)
    before = tls.context()
    bench.issue("second.example")
    assert tls.context() is before
    bench.authority = trustme.CA()
    put(bench.files.ca, bench.authority.cert_pem.bytes())
    assert tls.context() is not before
