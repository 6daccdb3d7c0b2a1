"""The result of a run: figures by hand-checkable definitions, JSON, Parquet, an HTML report, a terminal summary."""
