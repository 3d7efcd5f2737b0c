"""Tables: quality, settings and costs of the configured rows, in long form and in the paper's layout."""
