"""The one kind of error that users see without a traceback."""


class InputError(ValueError):
    """Something outside the program is wrong: a file, a setting, weights.

    The message names the thing, the value and what to do.
    """
