"""The version of the package, and those of torch and transformers that it was tested with.

Notable: `pyproject.toml` admits what follows within a major version, since a release that breaks nothing should not be
refused; one warning says where nobody has tested it yet.
"""

import re
import warnings
from collections.abc import Mapping

__version__ = "0.1.0"

# Package -> the oldest and the newest tested version, (major, minor).
TESTED = {"torch": ((2, 13), (2, 15)), "transformers": ((5, 23), (5, 24))}


class UntestedVersionWarning(UserWarning):
    """The library was not tested with an installed version of torch or transformers."""


def warn_of_untested(installed: Mapping[str, str]) -> None:
    """Warn once of all versions that are newer or older than the tested ones.

    Args:
        installed: Package -> its version, such as "2.13.0+cpu"; packages that are not in `TESTED` are left out.
    """
    untested = [
        f"{name} {installed[name]} ({_text(oldest)} to {_text(newest)})"
        for name, (oldest, newest) in TESTED.items()
        if name in installed and not oldest <= _major_minor(installed[name]) <= newest
    ]
    if untested:
        warnings.warn(
            f"Red Heart was not tested with {', '.join(untested)}. If something fails, install a tested version.",
            UntestedVersionWarning,
            stacklevel=2,
        )


def _major_minor(version: str) -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


__all__ = ["TESTED", "UntestedVersionWarning", "__version__", "warn_of_untested"]
