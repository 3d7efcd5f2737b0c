"""Other systems' predictions as audited rows: what a folder says of itself, and whether it still holds that."""
