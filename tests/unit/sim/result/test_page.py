import json
import re

from minicoin.sim.result.figure import Plot
from minicoin.sim.result.page import Column, Section, Tile, banner_html, page_html, section, table_html, tiles_html


def plot(name: str = "a-plot", text: str = "x") -> Plot:
    return Plot(name, "Title", "How to read it.", [{"type": "bar", "x": [1], "name": text}], {})


def test_text_cannot_become_markup() -> None:
    evil = "<script>alert(1)</script>"
    table = table_html(evil, [Column(evil)], [[evil]])
    for html in (table, banner_html(evil, [evil]), tiles_html([Tile(evil, evil)]), section("s", [], evil).html):
        assert "<script" not in html and "&lt;script&gt;" in html


def test_plot_data_cannot_end_its_script_element() -> None:
    text = "</script><script>alert(1)</script>"
    page = page_html("t", "", [section("s", [plot(text=text)], "")])
    found = re.search(r'<script type="application/json" id="plots">(.*?)</script>', page)
    assert found is not None
    assert json.loads(found[1])[0]["traces"][0]["name"] == text


def test_page_carries_everything_and_forbids_loading() -> None:
    page = page_html("A & B", "<h1>head</h1>", [Section("Part", "<p>body</p>")])
    assert "<title>A &amp; B</title>" in page
    assert "default-src 'none'" in page
    assert "plotly.js v" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.(?!data:)", page)


def test_rows_are_marked() -> None:
    html = table_html("t", [Column("a"), Column("b", True)], [["x", "1"], ["y", "2"]], bad=[1])
    assert html.count('<tr class="bad">') == 1 and html.index("bad") > html.index("x")
    assert '<td class="number">2</td>' in html
    assert table_html("t", [Column("a")], []) == ""
