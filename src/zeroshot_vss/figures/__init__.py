"""The paper's figures: what they show is computed and laid out here, read and written by `stages.figure`."""
