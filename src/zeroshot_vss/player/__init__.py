"""A clip with its label maps as one HTML file that plays without a network."""
