"""What an operator should know of a node, from its core and from its audit log."""

from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Call


async def warnings_of(call: Call) -> list[Json]:
    """All of it; nothing while all is well."""
    audit = call.port.audit()
    return [*await call.port.query(lambda node: node.warnings()), *(() if audit is None else audit.warnings)]
