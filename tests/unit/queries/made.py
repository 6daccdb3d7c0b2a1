"""What the node of these tests has."""

BLOCKS = 110
PAYMENTS = 5
