"""What a job is told: the clips, where they are, and the settings of its stage. One file a stage."""
