"""Whether new texts are unlike those that a guarantee was calibrated on, for which alone it holds.

Notable: a two-sample test of readings, one text per group on both sides. That no difference is found does not show that
there is none: few texts find only a large one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...configuration.errors import DataError
from ...data.loading import Unit
from ...modeling_redheart.guarantees import Guarantee
from ...statistics.two_sample import TwoSampleTest, energy_test
from .guarantees import DATASET, group_of, one_per_group, quantised, readings, reference
from .predict import Predictor
from .results import MODEL, Figure

UNLIKE = 0.05  # p-value at or below which texts are called unlike
FEWEST = 10  # independent texts below which nothing is tested


@dataclass(frozen=True)
class Drift:
    """The comparison of new texts with the calibrated ones.

    Attributes:
        data: Name of the calibrated texts.
        test: The test; its sizes are those of the calibrated and of the new texts, one per group.
    """

    data: str
    test: TwoSampleTest

    @property
    def unlike(self) -> bool:
        """Whether the texts are unlike each other."""
        return self.test.p_value <= UNLIKE

    def sentence(self) -> str:
        """The result in plain words."""
        old, new = self.test.sizes
        figures = f"p = {self.test.p_value:.4f}, energy distance {self.test.distance:.3f}"
        if self.unlike:
            return (
                f"The {new} texts are read unlike the {old} of {self.data} ({figures}): the guarantee was not made for "
                "texts like these. Calibrate on rated texts like these, or do not rely on it."
            )
        return (
            f"No difference between the {new} texts and the {old} of {self.data} was found ({figures}). That is no "
            "proof that there is none: so few texts show only a large one."
        )

    def figures(self, split: str) -> list[Figure]:
        """The p-value and the distance, as figures of the rows ``split``."""
        values = {"p-value": self.test.p_value, "energy distance": self.test.distance}
        rule = f"two-sample test of readings against {self.data}, one text per group; {self.sentence()}"
        return [
            Figure(DATASET, split, f"{DATASET}.drift", name, MODEL, value, self.test.sizes[1], rule=rule)
            for name, value in values.items()
        ]


def drift(guarantee: Guarantee, predictor: Predictor, units: Sequence[Unit]) -> Drift:
    """Compare texts, which need no ratings, with those that a guarantee was calibrated on.

    Args:
        guarantee: Of the model.
        predictor: Reads with the model.
        units: The new texts.

    Returns:
        The comparison.

    Raises:
        DataError: For fewer than `FEWEST` independent texts, and a model with other outputs than at calibration.
    """
    items = [item for unit in units for item in unit]
    groups = [group_of(item) for item in items]
    if (count := len(set(groups))) < FEWEST:
        raise DataError(f"{count} independent texts are too few to compare with {guarantee.data}; give {FEWEST}.")
    new = quantised(one_per_group(readings(predictor.texts([item.text for item in items])), groups)) / 255
    old = reference(guarantee)
    if old.shape[1] != new.shape[1]:
        raise DataError("The model has other outputs than when it was calibrated; run `redheart calibrate` again.")
    return Drift(guarantee.data, energy_test(old, new))


__all__ = ["FEWEST", "UNLIKE", "Drift", "drift"]
