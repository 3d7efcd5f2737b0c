"""Pages of the report: tables, scores of each clip, runs and videos as HTML files that need nothing beside them."""
