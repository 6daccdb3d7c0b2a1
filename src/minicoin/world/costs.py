"""What work costs a modelled computer, in microseconds. The real work is done at once; only its answer waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkCosts:
    """Verification as SimBlock and Gervais et al. model it: so much per block and per byte, so much per transaction."""

    block_base_us: int = 2_000
    block_us_per_mb: int = 0
    transaction_us: int = 200
    read_us: int = 0
    save_us: int = 1_000
    stretch_us: int = 100_000
    """Of a passphrase."""
    sign_us: int = 100
    """Of a vote or a greeting."""

    def block(self, size: int) -> int:
        """Checking and connecting one block of so many bytes."""
        return self.block_base_us + self.block_us_per_mb * size // 1_000_000
