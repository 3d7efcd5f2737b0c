"""What the tests notice: named faults of the core, put in one at a time, each against the tests that should see it.

``python -m benchmarks.mutation`` from the root of the repository; see docs/testing.md. No part of the tests or of CI.
"""
