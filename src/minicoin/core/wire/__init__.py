"""Bitcoin's wire format: one frozen dataclass per message, their codecs, and the version 1 frame around them."""
