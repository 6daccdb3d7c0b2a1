"""Targets in the compact form of headers (bits), and the work they stand for."""


def bits_to_target(bits: int) -> int | None:
    """The 256-bit target, or None where the form is negative, zero or overflows (no hash can meet it)."""
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    negative = bool(bits & 0x800000)
    target = mantissa >> 8 * (3 - exponent) if exponent <= 3 else mantissa << 8 * (exponent - 3)
    if target == 0 or (negative and mantissa) or target >> 256:
        return None
    return target


def target_to_bits(target: int) -> int:
    """The compact form, rounded down as Bitcoin Core's GetCompact does."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x800000:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def work_of_bits(bits: int) -> int:
    """Expected number of hashes for a block of this target; zero for a target that cannot be met."""
    target = bits_to_target(bits)
    return 0 if target is None else (1 << 256) // (target + 1)


def meets_target(block_hash: bytes, target: int) -> bool:
    """Whether the hash, read as a little-endian number, is at or below the target."""
    return int.from_bytes(block_hash, "little") <= target
