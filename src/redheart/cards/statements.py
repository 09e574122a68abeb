"""The statements that are shown with every model: intended use, what is out of scope, limits."""

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


# The same sentences in the same order, in the languages of the page; card and README have the English ones.
LIMITS = (
    "It describes how a text reads to people like those who rated its data. It is not advice, knows nothing of what "
    "really happened, and must not be used for decisions on people.",
    "A verdict is how readers like those behind its data would vote. It is not a judgement.",
    "The figures hold for texts like those of the data sets. Most of them are short, and many are posts of one forum. "
    "Other texts, and other groups of writers, may be read worse.",
    "Texts are read at most 512 tokens at once. A longer text is read in overlapping windows whose values are put "
    "together, and the reading says so.",
    "Patterns of words find that a text mentions self-harm, abuse or a child in danger. They miss what is only hinted "
    "at. Somebody in danger needs a person, not a reading.",
    "A threshold or temperature that was fitted on the rows of a figure makes it too good; the figure's rule says so.",
)
LIMITS_KOREAN = (
    "학습 자료를 평가한 사람들과 비슷한 이들에게 글이 어떻게 읽히는지를 설명합니다. 조언이 아니며, 실제로 무슨 일이 "
    "있었는지 모르고, 사람에 대한 결정에 써서는 안 됩니다.",
    "판정은 학습 자료를 평가한 사람들과 비슷한 독자들이 어떻게 투표할지를 나타냅니다. 판결이 아닙니다.",
    "수치는 학습 자료와 비슷한 글에 대한 것입니다. 대부분 짧은 글이고, 한 게시판의 글이 많습니다. 다른 종류의 글이나 "
    "다른 집단이 쓴 글은 더 못 읽을 수 있습니다.",
    "한 번에 최대 512토큰을 읽습니다. 더 긴 글은 겹치는 여러 구간으로 나누어 읽고 값을 합치며, 읽기 결과에 그 사실이 "
    "표시됩니다.",
    "자해, 학대, 위험에 처한 아이에 대한 언급은 정해진 낱말과 표현으로 찾습니다. 넌지시 말한 것은 놓칩니다. 위험에 "
    "처한 사람에게는 읽기 결과가 아니라 사람이 필요합니다.",
    "어떤 수치의 자료에 맞추어 정한 문턱값이나 온도는 그 수치를 실제보다 좋게 만듭니다. 그런 수치에는 그렇다고 적혀 "
    "있습니다.",
)


__all__ = ["INTENDED_USE", "LIMITS", "LIMITS_KOREAN", "OUT_OF_SCOPE", "USE"]
