"""`minicoin members takeover`, with a node's answers written down: it ends, or says what keeps it from ending."""

import pytest

from minicoin.app import cli_takeover, invocation
from minicoin.rpc.json_text import Json

WAITS = "it takes over: it asks the others, and waits for a whole height in which its key is silent"


class WrittenClient:
    """One answer after the other to how the rounds go; the last one again and again."""

    def __init__(self, *answers: Json) -> None:
        self._answers = list(answers)
        self.told: list[tuple[Json, ...]] = []

    def call(self, method: str, *params: Json) -> Json:
        if method == "takeover":
            self.told.append(params)
            return None
        assert method == "getconsensusinfo"
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def close(self) -> None:
        pass


def state(abstains: str | None, here: int) -> Json:
    members: list[Json] = [{}] * 5
    return {
        "abstains": abstains,
        "height": 8,
        "members": members,
        "quorum": 4,
        "here": here,
        "has_quorum": here >= 4,
    }


@pytest.fixture
def asked(cli, monkeypatch):
    def ask(client: WrittenClient, *words: str):
        monkeypatch.setattr(cli_takeover, "_LOOK_S", 0)
        monkeypatch.setattr(invocation, "RpcClient", lambda place: client)
        return cli("members", "takeover", *words)

    return ask


def test_it_ends_when_the_standby_signs(asked) -> None:
    client = WrittenClient(*[state(WAITS, 4)] * 100, state(None, 5))
    ran = asked(client)
    assert (ran.code, ran.out) == (0, "it signs\n") and client.told == [(None,)]
    assert ran.err == f"{WAITS}\n"


def test_where_the_chain_stands_still_it_says_what_to_do(asked) -> None:
    ran = asked(WrittenClient(*[state(WAITS, 3)] * 100, state(None, 4)))
    assert ran.err.count("the chain stands still") == 1
    assert "3 of 5 members are here and 4 must sign" in ran.err
    assert "minicoin members takeover --sign-from 8 " in ran.err
    client = WrittenClient(state(None, 4))
    assert asked(client, "--sign-from", "8").out == "it signs\n" and client.told == [(8,)]


def test_that_others_are_not_here_yet_is_no_halt(asked) -> None:
    few = [state(WAITS, 3)] * (cli_takeover.HALTED_LOOKS - 1)
    ran = asked(WrittenClient(*few, state(WAITS, 4), *few, state(None, 5)))
    assert ran.err == f"{WAITS}\n"


def test_it_fails_where_the_node_stands_by_again(asked) -> None:
    ran = asked(WrittenClient(state("it stands by (its key signed)", 4)))
    assert ran.code != 0 and "it stands by (its key signed)" in ran.err
