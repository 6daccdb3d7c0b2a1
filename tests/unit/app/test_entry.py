"""Ctrl-C before the program is there, and while it works."""

import signal
import subprocess
import sys

import pytest

from minicoin.app import cli


def test_ctrl_c_while_the_program_is_loaded_ends_it_without_a_word() -> None:
    # As at a terminal: who is started in the background of a script is deaf to it.
    program = (
        "import signal; from minicoin.app import entry; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "entry.load = lambda name: signal.raise_signal(signal.SIGINT); entry.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_while_a_command_is_looked_up_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == cli.EXIT_INTERRUPTED
    assert capsys.readouterr() == ("", "")
