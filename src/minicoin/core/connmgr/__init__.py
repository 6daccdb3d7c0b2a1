"""Connections as slots: whom to dial, whom to let in, whom to ban."""
