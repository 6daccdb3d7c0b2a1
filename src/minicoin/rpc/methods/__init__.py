"""The methods by category; table puts them together."""
