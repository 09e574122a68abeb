"""What is said to people wherever a model is shown: intended use, what is out of scope, limits."""

INTENDED_USE = (
    "For people who study, moderate or counsel on moral conflict in text, read the texts themselves, and want more "
    "than one number; and as a start for training on one's own labelled data."
)


OUT_OF_SCOPE = (
    "Advice: it knows the text and nothing else, and says how it reads, not what to do.",
    "Decisions on people: work, credit, insurance, custody, school, moderation without a human, police and courts.",
    "Diagnosing: an emotion in a text is no state of health of its writer.",
    "Monitoring people: at work, at school, on platforms, or anywhere without their consent.",
)


USE = """```python
from transformers import pipeline
import redheart  # registers the model and the task

read = pipeline("ethical-analysis", model="{model}")  # this folder, or its place on the hub
reading = read("I told my sister's secret to her fiancé.")
reading["emotion"]["asserted"]  # emotions above their threshold
reading["verdict"]["label"]  # who is in the wrong; None where it abstains
reading["verdict"]["acceptability"]  # of the narrator's own conduct, 0..1
reading["confidence"]["verdict"]  # expected loss, and exp(-expected loss)
reading["flags"]["withheld"]  # what nothing supervised
```

Where the package `redheart` is not installed, pass `trust_remote_code=True` and leave the import out."""


LIMITS = (
    "It describes how a text reads to people like those who rated its data. It is not advice, knows nothing of what "
    "really happened, and must not be used for decisions on people.",
    "A verdict is how readers like those behind its data would vote; not a judgement.",
    "The figures hold for texts like those of the data sets, most of them short ones and posts of one forum. Other "
    "kinds were not measured, nor whether some groups of writers are read worse than others.",
    "At most 512 tokens of a text are read; what is longer is cut, and the reading says so.",
    "A threshold or temperature that was fitted on the rows of a figure makes it too good; the figure's rule says so.",
)


__all__ = ["INTENDED_USE", "LIMITS", "OUT_OF_SCOPE", "USE"]
