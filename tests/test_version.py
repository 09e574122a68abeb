"""One warning names what was not tested; what was, is passed in silence."""

import warnings

import pytest
import torch
import transformers

from redheart.version import TESTED, UntestedVersionWarning, warn_of_untested


def test_tested_versions_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_untested({name: f"{newest[0]}.{newest[1]}.0.dev1" for name, (_, newest) in TESTED.items()})
        warn_of_untested({name: f"{oldest[0]}.{oldest[1]}.3" for name, (oldest, _) in TESTED.items()})
        warn_of_untested({"numpy": "99.0"})


@pytest.mark.parametrize("version", ["1.0", "99.0.1", "2.999.0", "unknown"])
def test_all_untested_versions_are_in_one_warning(version: str) -> None:
    with pytest.warns(UntestedVersionWarning) as caught:
        warn_of_untested(dict.fromkeys(TESTED, version))
    (warning,) = caught
    assert [f"{name} {version}" in str(warning.message) for name in TESTED] == [True] * len(TESTED)


def test_the_tests_run_on_tested_versions() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_untested({"torch": torch.__version__, "transformers": transformers.__version__})
