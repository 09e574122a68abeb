"""A reading, as the server sends it: the pipeline's own dict, whose parts are attributes, too.

Notable: the parts are those of the registry (`configuration.claims`), so that there is no second list of them.
"""

from typing import Any

from ..configuration.labels import OUTPUTS, closest


class Reading(dict[str, Any]):
    """A reading: equal to what the pipeline gives for the same text, and ready for `json.dumps`.

    Each of `configuration.labels.OUTPUTS` is an attribute: ``reading.verdict`` is ``reading["verdict"]``, and None
    where the model withheld it, or where it was not asked for.
    """

    @property
    def text(self) -> str:
        """The text."""
        return str(self["text"])

    @property
    def flags(self) -> dict[str, Any]:
        """How the text was read: its risks, what was withheld, in how many pieces."""
        return dict(self["flags"])

    def __getattr__(self, name: str) -> Any:
        if name not in OUTPUTS:
            raise AttributeError(f"A reading has no part {name!r}; {closest(name, OUTPUTS)}")
        return self.get(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *OUTPUTS]


__all__ = ["Reading"]
