"""The workflow: plan of targets, provenance of results. Knows nothing of Snakemake."""
