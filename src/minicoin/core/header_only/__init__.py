"""The node of the role `headers`: follows the best header over all its peers, and keeps no block."""
