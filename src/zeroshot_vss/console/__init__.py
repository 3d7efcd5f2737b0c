"""A person's way in: one command for a video, and quiet runs of the workflow."""
