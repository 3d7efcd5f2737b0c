"""Seeds of the generated clips: those of the splits do not meet."""

TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS = 1_000_000, 2_000_000, 3_000_000
"""First clip seed of each split."""
