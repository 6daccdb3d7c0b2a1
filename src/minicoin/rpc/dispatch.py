"""From the body of a request to the body of its answer: JSON-RPC 1.0, 1.1 and 2.0, single and batch.

Status codes and envelopes follow Bitcoin Core since 28: up to 1.1 an error has an HTTP status too, and an answer has
both `result` and `error`; with 2.0 every answer is 200 and has one of the two, and a request without id has none. An id
is echoed as it came.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from minicoin.core.answers import CommandRefused
from minicoin.core.faults import MisuseError
from minicoin.core.limits import RPC_BATCH_CALLS_MAX
from minicoin.rpc.arguments import bind_arguments, count_given
from minicoin.rpc.errors import INVALID_PARAMETER, INVALID_REQUEST, METHOD_NOT_FOUND, NUMBERS, PARSE_ERROR, RpcError
from minicoin.rpc.json_text import Json, decode_json, encode_json
from minicoin.rpc.line import CallLine, Client
from minicoin.rpc.method import ActiveCall, Call, Method, require_miners
from minicoin.rpc.port import NodePort

_STATUS_OF_CODE: Final = {INVALID_REQUEST: 400, METHOD_NOT_FOUND: 404}
_LEGACY: Final = ("1.0", "1.1")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer; 204 has no body."""

    status: int
    body: bytes = b""


_FORBIDDEN: Final = HttpAnswer(403)
_BUSY: Final = HttpAnswer(503, b"Work queue depth exceeded")
# Near enough to be a slip of the finger.
_SUGGESTION_LIKENESS: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What every answer to one request carries along."""

    is_v2: bool = False
    has_id: bool = True
    id: Json = None

    @property
    def is_notification(self) -> bool:
        return self.is_v2 and not self.has_id

    def success(self, result: Json) -> dict[str, Json]:
        if self.is_v2:
            return {"jsonrpc": "2.0", "result": result, **self._echo()}
        return {"result": result, "error": None, **self._echo()}

    def error(self, error: RpcError) -> dict[str, Json]:
        detail: dict[str, Json] = {"code": error.code, "message": error.message}
        if self.is_v2:
            return {"jsonrpc": "2.0", "error": detail, **self._echo()}
        return {"result": None, "error": detail, **self._echo()}

    def failure(self, error: RpcError) -> HttpAnswer:
        status = 200 if self.is_v2 else _STATUS_OF_CODE.get(error.code, 500)
        return HttpAnswer(status, _encode(self.error(error)))

    def _echo(self) -> dict[str, Json]:
        return {"id": self.id} if self.has_id else {}


_NO_ENVELOPE: Final = _Envelope()


class Dispatcher:
    """The method table at work on one node."""

    def __init__(self, methods: Iterable[Method], port: NodePort) -> None:
        self.methods: Mapping[str, Method] = {method.name: method for method in methods}
        self._port = port
        self._line = CallLine()
        self._active: dict[int, ActiveCall] = {}
        self._calls = 0

    async def handle(
        self,
        body: bytes,
        wallet: str | None = None,
        client: Client | None = None,
        allows: Callable[[str], bool] = lambda method: True,
    ) -> HttpAnswer:
        """Answer one HTTP request. `client` says when nobody waits for it any more, `allows` what it may call."""
        client = Client() if client is None else client
        try:
            document = decode_json(body)
        except (ValueError, RecursionError):
            return _NO_ENVELOPE.failure(RpcError(PARSE_ERROR, "Parse error"))
        if not all(map(allows, _methods_named(document))):
            return _FORBIDDEN
        if isinstance(document, dict) and self._is_urgent(document):
            return await self._handle_single(document, wallet, client)
        if self._line.is_full:
            return _BUSY
        with self._line.enter():
            if isinstance(document, list):
                return await self._handle_batch(document, wallet, client)
            if isinstance(document, dict):
                return await self._handle_single(document, wallet, client)
        return _NO_ENVELOPE.failure(RpcError(PARSE_ERROR, "Top-level object parse error"))

    def _is_urgent(self, document: Mapping[str, Json]) -> bool:
        name = document.get("method")
        return isinstance(name, str) and name in self.methods and self.methods[name].is_urgent

    async def _handle_single(self, document: Mapping[str, Json], wallet: str | None, client: Client) -> HttpAnswer:
        envelope = _envelope_of(document)
        try:
            method, params = _read_request(document)
        except RpcError as error:
            return envelope.failure(error)
        try:
            result = await self._call(method, params, wallet, client)
        except RpcError as error:
            return HttpAnswer(204) if envelope.is_notification else envelope.failure(error)
        return HttpAnswer(204) if envelope.is_notification else HttpAnswer(200, _encode(envelope.success(result)))

    async def _handle_batch(self, documents: list[Json], wallet: str | None, client: Client) -> HttpAnswer:
        if len(documents) > RPC_BATCH_CALLS_MAX:
            return _refuse_batch(documents)
        answers: list[Json] = []
        for document in documents:
            if not isinstance(document, dict):
                answers.append(_NO_ENVELOPE.error(RpcError(INVALID_REQUEST, "Invalid Request object")))
                continue
            envelope = _envelope_of(document)
            try:
                method, params = _read_request(document)
                answer = envelope.success(await self._call(method, params, wallet, client))
            except RpcError as error:
                answer = envelope.error(error)
            if not envelope.is_notification:
                answers.append(answer)
        return HttpAnswer(204) if documents and not answers else HttpAnswer(200, _encode(answers))

    async def _call(self, name: str, params: Json, wallet: str | None, client: Client) -> Json:
        method = self.methods.get(name)
        if method is None:
            near = get_close_matches(name[:100], self.methods, 1, _SUGGESTION_LIKENESS)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise RpcError(METHOD_NOT_FOUND, f"Method not found{hint}")
        if method.is_for_miners:
            # Before its arguments are looked at: nobody should mend those first.
            require_miners(self._port.network)
        call = Call(
            self._port, bind_arguments(method, params), wallet, self._active, given_count=count_given(method, params)
        )
        if method.is_urgent:
            return await self._run(method, call)
        async with self._line.turn(client) as turn:
            return await self._run(method, replace(call, turn=turn))

    async def _run(self, method: Method, call: Call) -> Json:
        self._calls += 1
        number = self._calls
        self._active[number] = ActiveCall(method.name, time.monotonic_ns())
        try:
            return await method.run(call)
        except CommandRefused as refused:
            raise RpcError(NUMBERS[refused.reason], refused.text) from refused
        except MisuseError as error:
            raise RpcError(INVALID_PARAMETER, str(error)) from error
        finally:
            del self._active[number]


def _refuse_batch(documents: list[Json]) -> HttpAnswer:
    """Each of as many calls as a batch may have, and the rest in one: nothing of it was carried out."""
    error = RpcError(
        INVALID_REQUEST,
        f"a batch has at most {RPC_BATCH_CALLS_MAX} calls, not {len(documents)}: none was carried out; send several",
    )
    envelopes = [
        _envelope_of(document) if isinstance(document, dict) else _NO_ENVELOPE
        for document in documents[:RPC_BATCH_CALLS_MAX]
    ]
    answers: list[Json] = [envelope.error(error) for envelope in envelopes if not envelope.is_notification]
    return HttpAnswer(200, _encode([*answers, _NO_ENVELOPE.error(error)]))


def _envelope_of(document: Mapping[str, Json]) -> _Envelope:
    return _Envelope(document.get("jsonrpc") == "2.0", "id" in document, document.get("id"))


def _methods_named(document: Json) -> list[str]:
    """What a request wants to call, as far as it says so."""
    calls = document if isinstance(document, list) else [document]
    named = [call.get("method") for call in calls if isinstance(call, dict)]
    return [method for method in named if isinstance(method, str)]


def _read_request(document: Mapping[str, Json]) -> tuple[str, Json]:
    """The method's name and its params."""
    version = document.get("jsonrpc")
    if version is not None and not isinstance(version, str):
        raise RpcError(INVALID_REQUEST, "jsonrpc field must be a string")
    if version is not None and version != "2.0" and version not in _LEGACY:
        raise RpcError(INVALID_REQUEST, "JSON-RPC version not supported")
    method = document.get("method")
    if method is None:
        raise RpcError(INVALID_REQUEST, "Missing method")
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "Method must be a string")
    params = document.get("params")
    if params is not None and not isinstance(params, list | dict):
        raise RpcError(INVALID_REQUEST, "Params must be an array or object")
    return method, params


def _encode(document: Json) -> bytes:
    return encode_json(document).encode() + b"\n"
