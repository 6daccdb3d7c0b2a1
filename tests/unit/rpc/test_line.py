import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from minicoin.core.limits import RPC_CALLS_AT_WORK_MAX, RPC_CALLS_HELD_MAX, RPC_CALLS_WAITING_MAX
from minicoin.rpc.dispatch import Dispatcher, HttpAnswer
from minicoin.rpc.json_text import Json
from minicoin.rpc.line import Client
from minicoin.rpc.method import Call, Category, Method


class _Gate:
    """Methods that wait for a gate to open: at work, or held."""

    def __init__(self, rpc) -> None:
        self.at_work = 0
        self.most = 0
        self.gate = asyncio.Event()
        methods = (
            Method("work", Category.UTIL, "", "", self._work),
            Method("wait", Category.UTIL, "", "", self._wait),
            Method("urgent", Category.UTIL, "", "", self._answer, is_urgent=True),
            Method("quick", Category.UTIL, "", "", self._answer),
        )
        self.dispatcher = Dispatcher(methods, rpc.port)

    async def _work(self, call: Call) -> Json:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        await self.gate.wait()
        self.at_work -= 1
        return None

    async def _wait(self, call: Call) -> Json:
        return await call.hold(self.gate.wait)

    async def _answer(self, call: Call) -> Json:
        return "done"

    def ask(self, method: str, client: Client | None = None) -> asyncio.Task[HttpAnswer]:
        body = json.dumps({"id": 1, "method": method}).encode()
        return asyncio.create_task(self.dispatcher.handle(body, None, client))

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def _run(rpc, scene: Callable[[_Gate], Awaitable[None]]) -> None:
    async def play() -> None:
        gate = _Gate(rpc)
        await scene(gate)

    asyncio.run(play())


def test_calls_at_one_time_are_bounded_and_the_rest_is_503(rpc) -> None:
    async def scene(gate: _Gate) -> None:
        tasks = [gate.ask("work") for _ in range(RPC_CALLS_WAITING_MAX + 5)]
        await gate.settle()
        gate.gate.set()
        statuses = [answer.status for answer in await asyncio.gather(*tasks)]
        assert gate.most == RPC_CALLS_AT_WORK_MAX
        assert statuses.count(503) == 5
        assert statuses.count(200) == RPC_CALLS_WAITING_MAX

    _run(rpc, scene)


def test_an_urgent_call_gets_through_a_full_line(rpc) -> None:
    async def scene(gate: _Gate) -> None:
        tasks = [gate.ask("work") for _ in range(RPC_CALLS_WAITING_MAX)]
        await gate.settle()
        assert (await gate.ask("quick")).status == 503
        assert (await gate.ask("urgent")).status == 200
        gate.gate.set()
        await asyncio.gather(*tasks)

    _run(rpc, scene)


def test_held_calls_are_in_nobody_s_way_and_bounded(rpc) -> None:
    async def scene(gate: _Gate) -> None:
        held = [gate.ask("wait") for _ in range(RPC_CALLS_HELD_MAX)]
        await gate.settle()
        assert (await gate.ask("quick")).status == 200
        refused = json.loads((await gate.ask("wait")).body)["error"]
        assert refused["code"] == -1
        assert str(RPC_CALLS_HELD_MAX) in refused["message"]
        gate.gate.set()
        answers = [json.loads(answer.body) for answer in await asyncio.gather(*held)]
        assert all(answer["result"] is True for answer in answers)

    _run(rpc, scene)


def test_whoever_hangs_up_gives_its_place_back(rpc) -> None:
    async def scene(gate: _Gate) -> None:
        clients = [Client() for _ in range(RPC_CALLS_HELD_MAX)]
        held = [gate.ask("wait", client) for client in clients]
        await gate.settle()
        for client in clients:
            client.hang_up()
        assert {answer.status for answer in await asyncio.gather(*held)} == {500}
        fresh = [gate.ask("wait") for _ in range(RPC_CALLS_HELD_MAX)]
        await gate.settle()
        gate.gate.set()
        assert {answer.status for answer in await asyncio.gather(*fresh)} == {200}

    _run(rpc, scene)


def test_a_call_that_only_works_is_finished_though_nobody_waits(rpc) -> None:
    async def scene(gate: _Gate) -> None:
        client = Client()
        task = gate.ask("work", client)
        await gate.settle()
        client.hang_up()
        gate.gate.set()
        assert (await task).status == 200

    _run(rpc, scene)


@pytest.mark.parametrize("method", ["stop", "getrpcinfo"])
def test_the_operator_s_calls_are_urgent(rpc, method: str) -> None:
    assert rpc.dispatcher.methods[method].is_urgent
