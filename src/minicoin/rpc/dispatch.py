"""From the body of a request to the body of its answer: JSON-RPC 1.0, 1.1 and 2.0, single and batch.

Status codes and envelopes follow Bitcoin Core 28: up to 1.1 an error has an HTTP status too, with 2.0 every answer is
200 and a request without id has none.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from minicoin.core.faults import MisuseError
from minicoin.core.limits import RPC_BATCH_CALLS_MAX
from minicoin.core.node.commands import INVALID_PARAMETER, METHOD_NOT_FOUND, CommandError
from minicoin.rpc.arguments import bind_arguments
from minicoin.rpc.json_text import Json, decode_json, encode_json
from minicoin.rpc.method import ActiveCall, Call, Method
from minicoin.rpc.port import NodePort

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
INTERNAL_ERROR: Final = -32603

_STATUS_OF_CODE: Final = {INVALID_REQUEST: 400, METHOD_NOT_FOUND: 404}
_LEGACY: Final = ("1.0", "1.1")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; 204 has no body."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    params: Json
    id: Json
    is_v2: bool
    is_notification: bool


class Dispatcher:
    """The method table at work on one node."""

    def __init__(self, methods: Iterable[Method], port: NodePort) -> None:
        self.methods: Mapping[str, Method] = {method.name: method for method in methods}
        self._port = port
        self._active: dict[int, ActiveCall] = {}
        self._calls = 0

    async def handle(self, body: bytes, wallet: str | None = None) -> Answer:
        """Answer one HTTP request."""
        try:
            document = decode_json(body)
        except (ValueError, RecursionError):
            return _failure(CommandError(PARSE_ERROR, "Parse error"), None, is_v2=False)
        if isinstance(document, list):
            return await self._handle_batch(document, wallet)
        if isinstance(document, dict):
            return await self._handle_single(document, wallet)
        return _failure(CommandError(PARSE_ERROR, "Top-level object parse error"), None, is_v2=False)

    async def _handle_single(self, document: Mapping[str, Json], wallet: str | None) -> Answer:
        is_v2, request_id = document.get("jsonrpc") == "2.0", _id_of(document)
        try:
            request = _read_request(document)
            result = await self._call(request, wallet)
        except CommandError as error:
            if is_v2 and "id" not in document and error.code != INVALID_REQUEST:
                return Answer(204)
            return _failure(error, request_id, is_v2=is_v2)
        if request.is_notification:
            return Answer(204)
        return Answer(200, _encode(_success(result, request)))

    async def _handle_batch(self, documents: list[Json], wallet: str | None) -> Answer:
        if len(documents) > RPC_BATCH_CALLS_MAX:
            problem = f"a batch has at most {RPC_BATCH_CALLS_MAX} calls, not {len(documents)}"
            return _failure(CommandError(INVALID_REQUEST, problem), None, is_v2=False)
        answers: list[Json] = []
        for document in documents:
            if not isinstance(document, dict):
                answers.append(_error(CommandError(INVALID_REQUEST, "Invalid Request object"), None, is_v2=False))
                continue
            is_v2 = document.get("jsonrpc") == "2.0"
            try:
                request = _read_request(document)
                # Clients of Bitcoin Core read `error` of every member of a batch, whatever its version.
                answer = _success(await self._call(request, wallet), request) | {"error": None}
            except CommandError as error:
                answer = _error(error, _id_of(document), is_v2=is_v2)
            if "id" in document or not is_v2:
                answers.append(answer)
        return Answer(204) if documents and not answers else Answer(200, _encode(answers))

    async def _call(self, request: _Request, wallet: str | None) -> Json:
        method = self.methods.get(request.method)
        if method is None:
            raise CommandError(METHOD_NOT_FOUND, "Method not found")
        call = Call(self._port, bind_arguments(method, request.params), wallet, self._active)
        self._calls += 1
        number = self._calls
        self._active[number] = ActiveCall(method.name, time.monotonic_ns())
        try:
            return await method.run(call)
        except MisuseError as error:
            raise CommandError(INVALID_PARAMETER, str(error)) from error
        finally:
            del self._active[number]


def _read_request(document: Mapping[str, Json]) -> _Request:
    version = document.get("jsonrpc")
    if version is not None and version != "2.0" and version not in _LEGACY:
        raise CommandError(INVALID_REQUEST, "JSON-RPC version not supported")
    if isinstance(document.get("id"), list | dict):
        raise CommandError(INVALID_REQUEST, "Id must be a string, a number or null")
    if "method" not in document:
        raise CommandError(INVALID_REQUEST, "Missing method")
    method = document["method"]
    if not isinstance(method, str):
        raise CommandError(INVALID_REQUEST, "Method must be a string")
    params = document.get("params")
    if params is not None and not isinstance(params, list | dict):
        raise CommandError(INVALID_REQUEST, "Params must be an array or object")
    is_v2 = version == "2.0"
    return _Request(method, params, document.get("id"), is_v2, is_v2 and "id" not in document)


def _id_of(document: Mapping[str, Json]) -> Json:
    """What an error is answered with: an id that is none is not echoed."""
    request_id = document.get("id")
    return None if isinstance(request_id, list | dict) else request_id


def _success(result: Json, request: _Request) -> dict[str, Json]:
    if request.is_v2:
        return {"jsonrpc": "2.0", "result": result, "id": request.id}
    return {"result": result, "error": None, "id": request.id}


def _error(error: CommandError, request_id: Json, *, is_v2: bool) -> dict[str, Json]:
    detail: dict[str, Json] = {"code": error.code, "message": error.message}
    if is_v2:
        return {"jsonrpc": "2.0", "error": detail, "id": request_id}
    return {"result": None, "error": detail, "id": request_id}


def _failure(error: CommandError, request_id: Json, *, is_v2: bool) -> Answer:
    status = 200 if is_v2 else _STATUS_OF_CODE.get(error.code, 500)
    return Answer(status, _encode(_error(error, request_id, is_v2=is_v2)))


def _encode(document: Json) -> bytes:
    return encode_json(document).encode() + b"\n"
