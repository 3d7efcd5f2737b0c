"""Input and output: files, images, videos, HDF5 results, predictions, the terminal."""
