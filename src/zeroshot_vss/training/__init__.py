"""Training of the embedded backbone on generated frames, without labels. Never part of the workflow."""
