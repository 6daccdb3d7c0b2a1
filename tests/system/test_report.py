"""Reports in a real browser: every plot is drawn, nothing is complained about, and nothing is asked of the network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.sim.result.synthetic import empty_record, make_record
from tests.waiting import wait_until

from minicoin.sim.result.compare import FIGURES, comparison_html, read_rows, result_row, write_rows
from minicoin.sim.result.json import to_json
from minicoin.sim.result.report import report_html, write_report

from .browser import Browser, Page, running_browser

DRAWN = "document.documentElement.dataset.plots !== undefined"
EXPECTED = {
    "propagation-cdf",
    "propagation-heat",
    "regions",
    "fork-tree",
    "bytes-by-type",
    "messages-by-type",
    "bytes-over-nodes",
    "hottest-nodes",
    "timeline",
    "series-mempool-transactions",
}
REPORT_BYTES_MAX = 8_000_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def open_report(browser: Browser, file: Path, width: int = 1_200) -> Page:
    page = Page(browser)
    page.resize(width, 900)
    page.open(file)
    page.wait_for(DRAWN)
    return page


def drawn_plots(page: Page) -> set[str]:
    """Plots that hold marks or pictures, not only an empty frame."""
    marks = ".trace, .hm image, image, .bars, .scatterlayer path, .point"
    names = page.evaluate(
        f"[...document.querySelectorAll('.plot')].filter(plot => plot.querySelector('svg') && "
        f"plot.querySelector('{marks}')).map(plot => plot.id)"
    )
    assert isinstance(names, list)
    return set(names)


def assert_is_quiet(page: Page, file: Path) -> None:
    assert page.complaints() == []
    assert page.requests() == [file.as_uri()]


def test_every_plot_is_drawn(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(make_record(), file)
    page = open_report(browser, file)
    assert drawn_plots(page) == EXPECTED
    assert_is_quiet(page, file)
    text = str(page.evaluate("document.body.innerText"))
    assert "How fast does a block travel?" in text
    assert "two nodes are on <another> tip" in text
    assert "This is a model" not in text
    page.screenshot(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 50_000


def test_no_button_sends_a_plot_away(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(make_record(), file)
    page = open_report(browser, file)
    buttons = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map(one => one.dataset.title)")
    assert isinstance(buttons, list)
    assert set(buttons) == {"Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"}
    assert page.evaluate("document.querySelectorAll('a[href^=http], form').length") == 0


def test_sweeps_side_by_side(browser: Browser, tmp_path: Path) -> None:
    table, file = tmp_path / "sweep.parquet", tmp_path / "comparison.html"
    rows = [
        result_row(to_json(make_record(nodes, 10, seed=seed, engine=engine)), {"nodes.count": nodes})
        for engine in ("full", "model")
        for nodes in (10, 100, 1_000)
        for seed in (1, 2)
    ]
    write_rows(rows, table)
    file.write_text(comparison_html(read_rows([table]), "nodes.count"), encoding="utf-8")
    page = open_report(browser, file)
    assert len(drawn_plots(page)) == len(FIGURES)
    assert_is_quiet(page, file)


def test_a_model_says_that_it_is_one(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "model.html"
    write_report(make_record(engine="model"), file)
    page = open_report(browser, file)
    label = page.evaluate(
        "[...document.querySelectorAll('.banner strong')].find(one => one.innerText.includes('This is a model'))"
        ".getBoundingClientRect().top"
    )
    assert 0 < float(str(label)) < 500
    assert "No validation by real code." in str(page.evaluate("document.body.innerText"))


def test_dark_and_narrow(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(make_record(), file)
    page = open_report(browser, file, width=390)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    light = page.evaluate("getComputedStyle(document.querySelector('#propagation-cdf .xtick text')).fill")
    page.prefer("dark")
    page.wait_for(
        "getComputedStyle(document.querySelector('#propagation-cdf .xtick text')).fill !== " + repr(str(light))
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert drawn_plots(page) == EXPECTED
    assert_is_quiet(page, file)


def test_ten_thousand_nodes(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    write_report(make_record(nodes=10_000, blocks=10), file)
    assert file.stat().st_size < REPORT_BYTES_MAX
    page = open_report(browser, file)
    assert drawn_plots(page) == EXPECTED
    assert_is_quiet(page, file)


def test_a_long_chain_shows_its_forks(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "long.html"
    write_report(make_record(nodes=30, blocks=400), file)
    page = open_report(browser, file)
    assert "fork-tree" in drawn_plots(page)
    assert "12 of 44" in str(page.evaluate("document.body.innerText"))
    assert_is_quiet(page, file)


def test_nothing_measured_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "empty.html"
    write_report(empty_record(), file)
    page = open_report(browser, file)
    assert drawn_plots(page) == set()
    assert "No block was found." in str(page.evaluate("document.body.innerText"))
    assert_is_quiet(page, file)


def test_a_page_that_calls_out_is_noticed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "telling.html"
    file.write_text(report_html(empty_record()).replace("<header>", '<header><img src="http://198.51.100.1/x.png">'))
    page = open_report(browser, file)

    def has_complained() -> bool:
        # What the browser has told is read with the answer to a question.
        page.evaluate("0")
        return any("198.51.100.1" in complaint for complaint in page.complaints())

    wait_until(has_complained, "the browser to miss the picture")
