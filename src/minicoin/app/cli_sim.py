"""`minicoin sim`: the laboratory."""

import typer

from minicoin.app import cli_sim_replay

app = typer.Typer(no_args_is_help=True, help="The laboratory: the same node code in virtual time.")
app.command("replay")(cli_sim_replay.replay)
