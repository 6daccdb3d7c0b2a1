"""`python -m minicoin.app`: the command line without its console script."""

from minicoin.app.entry import main

main()
