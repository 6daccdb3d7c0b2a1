"""What operators write of a registry: what it comes to, and what is said of what it should not be."""

from pathlib import Path

import pytest

from minicoin.core.faults import MisuseError
from minicoin.drivers.registry.secret import PASSWORD, TOKEN, Secret, SecretFile
from minicoin.drivers.registry.settings import (
    ConsulSettings,
    EtcdSettings,
    FileSettings,
    RegistryAccess,
    TlsFiles,
    ZooKeeperSettings,
    read_settings,
)

NOTHING = RegistryAccess()


def test_a_folder() -> None:
    assert read_settings("file:///mnt/registry", NOTHING) == FileSettings(Path("/mnt/registry"))


def test_a_cluster_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    ca, cert, key, secret = (tmp_path / name for name in ("ca", "cert", "key", "password"))
    for path in (ca, cert, key):
        path.touch()
    secret.write_text("correct horse\n")
    text = "etcd://10.0.0.1:2379,etcd2.example,[fd00::3]:2380,10.0.0.1:2379/minicoin/live/"
    found = read_settings(text, RegistryAccess(ca, cert, key, "bank1", secret))
    endpoints = ("10.0.0.1:2379", "etcd2.example:2379", "[fd00::3]:2380")
    password = Secret("correct horse", SecretFile("registry-password-file", PASSWORD, secret))
    assert found == EtcdSettings(endpoints, "/minicoin/live", TlsFiles(ca, cert, key), "bank1", password)
    assert "horse" not in repr(found)


def test_agents_of_consul_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    ca, secret = tmp_path / "ca", tmp_path / "token"
    ca.touch()
    secret.write_text("b1946ac9-correct-horse\n")
    found = read_settings("consul://consul1.example,10.0.0.2:8500/minicoin", RegistryAccess(ca=ca, token_file=secret))
    # By default its port for TLS.
    endpoints = ("consul1.example:8501", "10.0.0.2:8500")
    token = Secret("b1946ac9-correct-horse", SecretFile("registry-token-file", TOKEN, secret))
    assert found == ConsulSettings(endpoints, "/minicoin", TlsFiles(ca), token)
    assert "horse" not in repr(found)
    assert read_settings("consul://localhost/m", NOTHING) == ConsulSettings(("localhost:8500",), "/m")


def test_an_ensemble_has_its_own_port(tmp_path: Path) -> None:
    found = read_settings("zookeeper://10.0.0.1,zk2.example:2281/minicoin", NOTHING)
    assert found == ZooKeeperSettings(("10.0.0.1:2181", "zk2.example:2281"), "/minicoin")
    assert found != EtcdSettings(("10.0.0.1:2181", "zk2.example:2281"), "/minicoin")


@pytest.mark.parametrize(
    ("text", "access", "told"),
    [
        ("redis://x/y", NOTHING, "no registry 'redis://x/y'; expected file:///FOLDER, etcd://"),
        ("/mnt/registry", NOTHING, "no registry '/mnt/registry'"),
        ("file://mnt/registry", NOTHING, "names no folder by its whole path"),
        ("file:///", NOTHING, "names no folder"),
        ("file:///x", RegistryAccess(user="bank1"), "a folder has no certificates"),
        ("etcd://10.0.0.1:2379", NOTHING, "names no prefix"),
        ("etcd://10.0.0.1:2379/", NOTHING, "names no prefix"),
        ("etcd://10.0.0.1:2379/a b", NOTHING, "names no prefix"),
        ("etcd://10.0.0.1:2379/a/../b", NOTHING, "names no prefix"),
        ("zookeeper://10.0.0.1", NOTHING, "expected zookeeper://HOST:PORT[,HOST:PORT]/PREFIX"),
        ("zookeeper://10.0.0.1/x", RegistryAccess(cert=Path("c"), key=Path("k")), "registry-cert needs registry-ca"),
        ("etcd://10.0.0.1:99999/x", NOTHING, "not a port: '99999'"),
        ("etcd://10.0.0.1/x", RegistryAccess(token_file=Path("t")), "registry-token-file is Consul's"),
        (
            "consul://10.0.0.1",
            NOTHING,
            "underscores; expected consul://HOST:PORT[,",
        ),
        ("consul://10.0.0.1/x", RegistryAccess(user="bank1"), "are of other kinds; for Consul: registry-token-file"),
        ("consul://10.0.0.1/x", RegistryAccess(cert=Path("c")), "registry-cert and registry-key belong together"),
        (
            "consul://10.0.0.1/x",
            RegistryAccess(token_file=Path("t")),
            "without TLS anybody on the way could read the token",
        ),
        (
            "consul://127.0.0.1/x",
            RegistryAccess(token_file=Path("/nowhere")),
            "registry-token-file: cannot read /nowhere",
        ),
        ("etcd:///x", NOTHING, "not an address"),
        ("etcd://bank1:secret@10.0.0.1/x", NOTHING, "no user, password or token in the address"),
        ("etcd://" + ",".join(f"10.0.0.{n}" for n in range(17)) + "/x", NOTHING, "17 endpoints are too many"),
        ("etcd://10.0.0.1/x", RegistryAccess(cert=Path("c")), "registry-cert and registry-key belong together"),
        ("etcd://10.0.0.1/x", RegistryAccess(cert=Path("c"), key=Path("k")), "registry-cert needs registry-ca"),
        ("etcd://10.0.0.1/x", RegistryAccess(ca=Path("/nowhere")), "registry-ca: there is no file /nowhere"),
        ("etcd://10.0.0.1/x", RegistryAccess(user="bank1"), "registry-user and registry-password-file belong"),
        (
            "etcd://10.0.0.1/x",
            RegistryAccess(user="bank1", password_file=Path("p")),
            "without TLS anybody on the way could read the password",
        ),
        (
            "etcd://localhost,127.0.0.1,[::1]:1/x",
            RegistryAccess(user="bank1", password_file=Path("/nowhere")),
            "registry-password-file: cannot read /nowhere",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, access: RegistryAccess, told: str) -> None:
    with pytest.raises(MisuseError) as error:
        read_settings(text, access)
    assert told in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("raw", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"x" * 5_000])
def test_a_password_file_holds_a_password(raw: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(raw)
    with pytest.raises(MisuseError, match="registry-password-file"):
        read_settings("etcd://127.0.0.1/x", RegistryAccess(user="bank1", password_file=secret))


@pytest.mark.parametrize("raw", [b"", b"one\ntwo\n", b"\xff\xfe", b"to ken", "Schlüssel".encode(), b"\0"])
def test_a_token_file_holds_a_token(raw: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_bytes(raw)
    with pytest.raises(MisuseError, match="registry-token-file"):
        read_settings("consul://127.0.0.1/x", RegistryAccess(token_file=secret))
