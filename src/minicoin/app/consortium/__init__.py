"""Founding a network of signers: what each bank asks for, and the network file made of it. No hand holds all keys."""
