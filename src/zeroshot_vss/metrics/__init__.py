"""Scores of label videos. `protocols.get_protocol(name)` gives the rules of a benchmark by name."""
