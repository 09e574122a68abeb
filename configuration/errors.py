"""Errors of the library that are more than a built-in one."""


class DataError(ValueError):
    """The files do not hold what was asked for, or hold it in another form."""


__all__ = ["DataError"]
