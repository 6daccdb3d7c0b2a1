"""A system that has no thread left to give."""

from pathlib import Path

import pytest
import trio

from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.registry.file import FileRegistry
from minicoin.drivers.registry.port import RegistryUnavailable
from minicoin.drivers.registry.settings import FileSettings
from minicoin.drivers.resolver import NameNotFound, Resolver
from minicoin.drivers.threads import NoThread, finish, in_thread


@pytest.fixture(name="no_threads")
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*given: object, **options: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(trio.to_thread, "run_sync", refuse)


@pytest.mark.usefixtures("no_threads")
def test_none_left_is_an_error_as_of_files_and_what_ends_a_node_is_done_all_the_same() -> None:
    done: list[str] = []
    with pytest.raises(NoThread, match="no thread can be started"):
        trio.run(in_thread, lambda: done.append("work"))
    assert done == []
    trio.run(finish, lambda: done.append("end"))
    assert done == ["end"]


def test_an_error_of_the_work_is_its_own() -> None:
    def fail() -> None:
        raise RuntimeError("its own")

    for run in (in_thread, finish):
        with pytest.raises(RuntimeError, match="its own"):
            trio.run(run, fail)


@pytest.mark.usefixtures("no_threads")
def test_a_name_is_not_found_and_a_registrys_folder_not_reached(tmp_path: Path) -> None:
    with pytest.raises(NameNotFound, match="can't start new thread"):
        trio.run(Resolver().resolve, NodeAddress("example.org", 1))
    registry = FileRegistry(FileSettings(tmp_path), lambda: Micros(0))
    with pytest.raises(RegistryUnavailable, match="no thread can be started"):
        trio.run(registry.put, "a/node", b"")
