"""The program's entry. Until the command line is loaded, Ctrl-C ends the process as it ends others: without a word."""

import signal

from minicoin.app.loading import load
from minicoin.app.standard_files import hold_standard_files


def main() -> None:
    """Of the console script."""
    hold_standard_files()
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    cli = load("cli")
    signal.signal(signal.SIGINT, handler)
    cli.main()
