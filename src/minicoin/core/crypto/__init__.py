"""Hash functions of Bitcoin, over the standard library. Signing is coincurve's, Noise's primitives cryptography's."""
