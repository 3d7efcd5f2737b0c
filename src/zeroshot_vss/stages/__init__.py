"""The stages of the workflow: each reads what the stages before wrote, calls the library and writes its result."""
