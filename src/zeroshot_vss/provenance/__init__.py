"""Where a result comes from: digests of code, files and clips, and the versions of the libraries."""
