"""The address book: which nodes there are, which of them were good, and whom to try next. Bitcoin Core's design."""
