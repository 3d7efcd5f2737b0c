"""The method: features to label maps, as functions on arrays."""
