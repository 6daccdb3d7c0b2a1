"""The suite as a whole: tests run in a random order that can be repeated, and what they count is printed."""

import os
import random
from itertools import groupby

import pytest

ORDER = "MINICOIN_ORDER"
_SEED = pytest.StashKey[int]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Every xdist worker collects the same order."""
    node.workerinput[ORDER] = node.config.stash[_SEED]


def pytest_configure(config: pytest.Config) -> None:
    told = getattr(config, "workerinput", os.environ).get(ORDER)
    config.stash[_SEED] = random.SystemRandom().randrange(10**6) if told is None else int(told)


def pytest_report_header(config: pytest.Config) -> str:
    return f"order: {ORDER}={config.stash[_SEED]}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files in any order, and the tests of each; pytest then brings together those that share a costly fixture."""
    chance = random.Random(config.stash[_SEED])
    files = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    chance.shuffle(files)
    for tests in files:
        chance.shuffle(tests)
    items[:] = [test for tests in files for test in tests]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = [
        f"{name}: {value}"
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if report.when == "call"
    ]
    if counts:
        terminalreporter.section("counts")
        for line in sorted(counts):
            terminalreporter.write_line(line)
    # Again, for those who asked for few words: it repeats a failure that only one order shows.
    terminalreporter.write_line(pytest_report_header(config))
