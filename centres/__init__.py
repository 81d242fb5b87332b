"""Who cares for which disease, and where."""
