"""One connection's protocol state: framing, handshake, keep-alive, negotiated features. Only node opens sessions."""
