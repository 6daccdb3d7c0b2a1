"""The node as pure state machines: bytes, time and chance come in, effects go out as values. No I/O anywhere below."""
