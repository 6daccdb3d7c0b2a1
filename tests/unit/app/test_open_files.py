import resource

import pytest

from minicoin.app.open_files import OPEN_FILES_MIN, require_open_files
from minicoin.core.faults import MisuseError


class _System:
    """Limits as a system keeps them."""

    def __init__(self, soft: int, hard: int) -> None:
        self.limits = (soft, hard)

    def get(self, which: int) -> tuple[int, int]:
        assert which == resource.RLIMIT_NOFILE
        return self.limits

    def set(self, which: int, limits: tuple[int, int]) -> None:
        if limits[0] > self.limits[1] != resource.RLIM_INFINITY:
            raise ValueError("current limit exceeds maximum limit")
        self.limits = limits


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch):
    def make(soft: int, hard: int) -> _System:
        made = _System(soft, hard)
        monkeypatch.setattr(resource, "getrlimit", made.get)
        monkeypatch.setattr(resource, "setrlimit", made.set)
        return made

    return make


@pytest.mark.parametrize(
    ("limits", "after"),
    [
        ((OPEN_FILES_MIN, OPEN_FILES_MIN), OPEN_FILES_MIN),
        ((1_000_000, 1_000_000), 1_000_000),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), resource.RLIM_INFINITY),
        ((256, 4_096), OPEN_FILES_MIN),
        ((256, resource.RLIM_INFINITY), OPEN_FILES_MIN),
    ],
)
def test_enough_is_left_alone_and_less_is_raised(system, limits: tuple[int, int], after: int) -> None:
    made = system(*limits)
    require_open_files()
    assert made.limits == (after, limits[1])


def test_too_few_is_refused_with_what_to_do(system) -> None:
    system(16, 16)
    with pytest.raises(MisuseError, match=rf"only 16 files.*needs {OPEN_FILES_MIN}.*ulimit -n {OPEN_FILES_MIN}"):
        require_open_files()
