"""Authorities and their certificates as files, as the operators of a registry and of its clients have them."""

import shutil
from dataclasses import astuple, dataclass
from pathlib import Path

import trustme

from minicoin.drivers.registry.settings import TlsFiles


@dataclass(frozen=True)
class Certificates:
    """Files of one authority: the server's, and a member's with and without a CommonName."""

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir()
        ca = trustme.CA()
        ca.cert_pem.write_to_path(self.ca)
        for name, cert in (
            ("server", ca.issue_cert("127.0.0.1", "localhost")),
            ("member", ca.issue_cert("bank1.example")),
            ("named", ca.issue_cert("bank1.example", common_name="bank1")),
        ):
            cert.private_key_pem.write_to_path(self.key(name))
            cert.cert_chain_pems[0].write_to_path(self.cert(name))

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    def cert(self, name: str) -> Path:
        return self.directory / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.directory / f"{name}.key"

    def files(self, name: str = "member") -> TlsFiles:
        """Of a client who shows this certificate."""
        return TlsFiles(self.ca, self.cert(name), self.key(name))


def install(given: TlsFiles, target: TlsFiles) -> None:
    """As `cp` does, there where a node has its own."""
    for source, place in zip(astuple(given), astuple(target), strict=True):
        shutil.copyfile(source, place)
