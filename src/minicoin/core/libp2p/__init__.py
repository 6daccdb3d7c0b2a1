"""libp2p as pure state machines: bytes, time and entropy in; bytes and events out. No socket, task or clock.

Owns the way from a raw byte pipe to authenticated, encrypted streams; leaves sockets to the drivers and what travels
on the streams to the peer session. Specifications: github.com/libp2p/specs.
"""
