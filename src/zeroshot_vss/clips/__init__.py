"""A user's clip as it comes out: what its labels are called, and its label maps with their names."""
