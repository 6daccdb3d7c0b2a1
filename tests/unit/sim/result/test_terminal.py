import io

from rich.console import Console

from minicoin.sim.result.terminal import print_summary

from .synthetic import empty_record, make_record


def shown(record, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_summary(record, console)
    return console.file.getvalue()


def test_summary_says_what_matters() -> None:
    text = shown(make_record())
    for words in (
        "synthetic, seed 41",
        "block, median over blocks",
        "40, 4 stale (10.0%",
        "4 forks",
        "25,200 a second; set-up 77",
        "torn-write",
        "never",
        "violation at 30 min, converged: two nodes are on <another> tip",
        "digest cdcd",
        "again: minicoin sim run scenarios/synthetic.toml --seed 41",
    ):
        assert words in text
    assert "model" not in text


def test_a_model_says_so() -> None:
    assert "This is a model, not the node code" in shown(make_record(engine="model"))


def test_bytes_without_messages() -> None:
    record = make_record(engine="model")
    record.traffic.sent_messages[:] = 0
    lines = shown(record).splitlines()
    assert "message" not in next(line for line in lines if line.startswith("traffic"))
    assert not any(line.startswith("traffic") for line in shown(empty_record()).splitlines())


def test_names_are_not_markup() -> None:
    record = make_record()
    record.violations[0].text = "[red]n1[/red]"
    assert "[red]n1[/red]" in shown(record)


def test_an_empty_record() -> None:
    assert "0, 0 stale" in shown(empty_record(run_wall_s=0.0))


def test_what_is_to_be_copied_is_never_folded() -> None:
    record = make_record()
    text = shown(record, width=60)
    assert f"digest {record.digest}" in text
    assert f"again: {record.replay}" in text
