"""New texts against those of a guarantee: what is unlike is found, and what is alike is not."""

from collections.abc import Callable

import numpy as np
import pytest

from redheart import RedHeartModel
from redheart.data.loading import Unit
from redheart.evaluation.measurement.drift import Drift, drift
from redheart.evaluation.measurement.guarantees import calibrate
from redheart.modeling_redheart.guarantees import Guarantee

from .test_guarantees import Oracle


@pytest.fixture(scope="module")
def calibrated(lively_model: Callable[..., RedHeartModel]) -> tuple[Guarantee, Oracle]:
    oracle = Oracle(3)
    units = [oracle.unit(number, f"g{number // 2}") for number in range(120)]
    return calibrate(lively_model(), oracle, units, "mine", (0.3,)), oracle  # type: ignore[arg-type]


def _compare(calibrated: tuple[Guarantee, Oracle], units: list[Unit]) -> Drift:
    guarantee, oracle = calibrated
    return drift(guarantee, oracle, units)  # type: ignore[arg-type]


def test_texts_of_the_same_kind_are_alike(calibrated: tuple[Guarantee, Oracle]) -> None:
    found = _compare(calibrated, [calibrated[1].unit(number, "") for number in range(1000, 1050)])
    assert not found.unlike
    assert found.test.sizes == (60, 50)
    assert "no proof that there is none" in found.sentence()


def test_texts_of_another_kind_are_unlike(calibrated: tuple[Guarantee, Oracle]) -> None:
    oracle = calibrated[1]
    units = [oracle.unit(number, "") for number in range(2000, 2050)]
    for unit in units:
        oracle.known[unit[0].text]["verdict_labels"] = np.array([0.9, 0.1, 0, 0, 0])
    found = _compare(calibrated, units)
    assert found.unlike
    assert "unlike the 60 of mine (p = 0.0005" in found.sentence()
    assert "the guarantee was not made for texts like these" in found.sentence()
    assert {figure.measure for figure in found.figures("new")} == {"p-value", "energy distance"}


def test_few_texts_are_not_compared(calibrated: tuple[Guarantee, Oracle]) -> None:
    units = [calibrated[1].unit(number, "one group") for number in range(3000, 3050)]
    with pytest.raises(ValueError, match="1 independent texts are too few"):
        _compare(calibrated, units)
