"""No test waits for a time or is bounded by one: tests/waiting.py is the only place that knows how long is too long.
And no two classes of the program have one name.

Read as syntax trees, so that comments and strings may speak of seconds. A file that runs in virtual time (it makes a
MockClock) may say what it likes about time.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
SOURCE = TESTS.parent / "src/minicoin"
WAITING = TESTS / "waiting.py"
# What is no wait. Each with the number of places and the reason.
EXEMPT = {
    "crash/test_import_killed.py": (1, "a moment to kill at, somewhere between two acknowledgements"),
    "interop/harness.py": (2, "ticks of the clock that the machines under test are given; last words of a closed link"),
    # A program of its own, in an environment of its own.
    "interop/py/peer.py": (4, "which cases pass is its output; a refused stream is only known by its silence"),
    "system/test_ways_to_meet.py": (2, "a page of the documentation shows its figures, and no test depends on them"),
    "system/registries.py": (1, "between two tries at a registry that is gone, as the carrier has a pause"),
}
SLEEPERS = {"time", "trio", "asyncio"}
CLOCKS = {"monotonic", "perf_counter", "process_time", "current_time", "thread_time"}
LIMITERS = {"fail_after", "move_on_after", "fail_at", "move_on_at"}
WAITERS = {"wait", "wait_for", "create_connection"}
THREADS = {"thread", "worker", "process", "reader"}
# Their `timeout` is one of the chain's own.
DEPLOYMENTS = {"VersionBits", "replace"}
HTTP = {"get", "post", "request", "Client", "AsyncClient"}


def name_of(node: ast.expr) -> str:
    """`trio.sleep` -> trio.sleep; whatever it is called on, the last two words."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(owner, name):
            return f"{name_of(owner).rpartition('.')[2]}.{name}"
        case _:
            return ""


def is_number(node: ast.expr) -> bool:
    match node:
        case ast.Constant(int() | float()):
            return True
        case ast.BinOp(left, _, right):
            return is_number(left) and is_number(right)
        case _:
            return False


def is_nothing(arguments: list[ast.expr]) -> bool:
    """A turn of the loop and no time."""
    match arguments:
        case [ast.Constant(0)]:
            return True
        case _:
            return False


def complaints_of_call(call: ast.Call) -> Iterator[str]:
    owner, _, name = name_of(call.func).rpartition(".")
    if name == "sleep" and owner in SLEEPERS and not is_nothing(call.args):
        yield f"{owner}.sleep: wait for a state with wait_until"
    if name in LIMITERS:
        yield f"{name}: use hang_guard"
    if name in CLOCKS:
        yield f"{name}: count what happens, or measure it in bench/"
    if (name in WAITERS or (name == "join" and owner in THREADS)) and any(map(is_number, call.args)):
        yield f"{name} for so many seconds: the bound is HANG_S"
    bounds = [word.value for word in call.keywords if word.arg in ("timeout", "seconds")]
    if name not in DEPLOYMENTS and any(map(is_number, bounds)):
        yield "a time-out of so many seconds: the bound is HANG_S or COMPUTE_HANG_S"
    if owner == "httpx" and name in HTTP and not {"timeout", "transport"} & {word.arg for word in call.keywords}:
        yield f"httpx.{name} gives up after five seconds: timeout=HANG_S"
    if owner == "mark" and name == "timeout":
        yield "a bound for one test: there is one for all, in pyproject.toml"


def complaints(source: str) -> list[tuple[int, str]]:
    """(line, what is wrong with it)."""
    tree = ast.parse(source)
    calls = (name_of(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))
    if any(name.rpartition(".")[2] == "MockClock" for name in calls):
        return []
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [(node.lineno, complaint) for complaint in complaints_of_call(node)]
        if isinstance(node, ast.ImportFrom) and node.module != "tests.waiting":
            found += [
                (node.lineno, f"{alias.name}: import it from tests.waiting")
                for alias in node.names
                if alias.name.startswith("wait_until")
            ]
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found += [(node.lineno, "write time.monotonic, not monotonic") for a in node.names if a.name != "time_ns"]
    return sorted(found)


def files() -> list[str]:
    found = (path for path in TESTS.rglob("*.py") if path != WAITING and "node_modules" not in path.parts)
    return sorted(str(path.relative_to(TESTS)) for path in found)


@pytest.mark.parametrize("file", files())
def test_a_test_waits_for_states_and_is_bounded_by_no_clock(file: str) -> None:
    found = complaints((TESTS / file).read_text())
    allowed, _ = EXEMPT.get(file, (0, ""))
    assert len(found) == allowed, f"tests/{file}: " + "; ".join(f"line {line}: {what}" for line, what in found)


def test_every_exemption_is_for_a_file() -> None:
    assert EXEMPT.keys() <= set(files())


def public_classes(source: str) -> list[str]:
    """The names of the classes of a module that others may use."""
    return [
        node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def test_one_name_is_one_class() -> None:
    """Whoever reads a name need not look where it was imported from."""
    places: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name in public_classes(path.read_text()):
            places.setdefault(name, []).append(str(path.relative_to(SOURCE)))
    assert len(places) > 500
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_private_and_inner_classes_are_their_modules_own() -> None:
    assert public_classes("class A:\n    class B: pass\nclass _C: pass\ndef f():\n    class D: pass") == ["A"]


@pytest.mark.parametrize(
    ("source", "is_fine"),
    [
        ("time.sleep(0.1)", False),
        ("await trio.sleep(pause)", False),
        ("await trio.sleep(0)", True),
        ("await asyncio.sleep(0)", True),
        ("with trio.fail_after(5): pass", False),
        ("started = time.monotonic()", False),
        ("process.wait(10)", False),
        ("process.wait(HANG_S)", True),
        ("event.wait()", True),
        ("thread.join(5)", False),
        ("thread.join()", True),
        ("', '.join(words)", True),
        ("subprocess.run(line, timeout=60)", False),
        ("subprocess.run(line, timeout=HANG_S)", True),
        ("subprocess.run(line, timeout=2 * 60)", False),
        ("httpx.post(url)", False),
        ("httpx.post(url, timeout=HANG_S)", True),
        ("@pytest.mark.timeout(600)\ndef test(): pass", False),
        ("from .processes import wait_until", False),
        ("from tests.waiting import wait_until", True),
        ("# time.sleep(1) is what nobody writes", True),
        ("clock = MockClock()\ntrio.fail_after(5)", True),
    ],
)
def test_what_is_found(source: str, is_fine: bool) -> None:
    if "await" in source:
        source = f"async def test(): {source}"
    assert (not complaints(source)) == is_fine
