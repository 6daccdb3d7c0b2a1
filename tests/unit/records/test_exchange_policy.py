"""The modes by their names in settings, and what a node does that was told nothing."""

from minicoin.core.records.exchange_policy import DEFAULT_EXCHANGE, ExchangeMode


def test_the_modes_have_the_names_of_the_literature() -> None:
    assert list(ExchangeMode) == ["push", "pull", "push-pull", "anti-entropy"]


def test_by_default_news_go_at_once_and_a_slow_round_repairs() -> None:
    assert DEFAULT_EXCHANGE.tells_at_once
    assert DEFAULT_EXCHANGE.mode is ExchangeMode.ANTI_ENTROPY
    # No timer of a node is shorter than a second by default.
    assert DEFAULT_EXCHANGE.period_us >= 60_000_000
