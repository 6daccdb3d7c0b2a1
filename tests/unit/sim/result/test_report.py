from minicoin.sim.result.report import report_html, write_report

from .synthetic import empty_record, make_record


def test_headline_figures_and_tables_are_there() -> None:
    html = report_html(make_record())
    for text in (
        "How fast does a block travel?",
        "minicoin sim run scenarios/synthetic.toml --seed 41",
        "Full node code, seed 41",
        "1 violation<",
        "Faults that never fired: torn-write",
        "two nodes are on &lt;another&gt; tip",
        "Verdicts on identical blocks were computed once and shared.",
        "Did every fault fire?",
        "Hottest nodes",
    ):
        assert text in html
    assert "This is a model" not in html


def test_a_model_is_labelled_with_its_assumptions() -> None:
    html = report_html(make_record(engine="model"))
    assert "This is a model, not the node code" in html
    assert "No validation by real code." in html
    assert "Propagation model, seed 41" in html


def test_no_violation_no_banner() -> None:
    html = report_html(empty_record())
    assert 'class="banner' not in html
    assert "No block was found." in html


def test_equal_records_make_equal_pages(tmp_path) -> None:
    write_report(make_record(), tmp_path / "one.html")
    assert (tmp_path / "one.html").read_text(encoding="utf-8") == report_html(make_record())


def test_ten_thousand_nodes_stay_small() -> None:
    assert len(report_html(make_record(nodes=10_000, blocks=10)).encode()) < 8_000_000
