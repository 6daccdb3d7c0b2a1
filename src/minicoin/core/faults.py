"""Who is to blame, as exception types. Remote faults are penalised by node; invalid data carries a reason; our own
caller's mistakes are MisuseError. Input is never checked by assert, so an AssertionError is always a bug."""


class DecodeError(ValueError):
    """Bytes that are not a well-formed value of the type asked for. The session turns it into a PeerFault."""


class PeerFault(Exception):
    """The remote broke the protocol. `reason` goes to log and ban list; `score` counts towards the ban score."""

    def __init__(self, reason: str, score: int = 100) -> None:
        super().__init__(reason)
        self.reason = reason
        self.score = score


class MisuseError(Exception):
    """Our own caller asked for something the contract forbids, or a user gave input that cannot be used."""
