"""Supervised networks that label each frame alone: rows to compare with."""
