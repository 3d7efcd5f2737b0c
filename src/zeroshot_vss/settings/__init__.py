"""Settings of every stage, one file each. The defaults are the paper's values for SD 2.1.

A stage's model holds what that stage depends on and nothing else, in a file that only that stage needs.
"""
