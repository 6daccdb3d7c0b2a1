"""What outside may read of a node between two events, as frozen values. Changes nothing, sends nothing."""
