"""All texts of the page, in English and Korean.

Notable: one row has a text in both languages, so that none can be missing in one of them; ``{names}`` are filled in.
"""

from ..cards.statements import LIMITS, LIMITS_KOREAN
from .names import LANGUAGES, Language, claim_name, name

# Key -> English, Korean.
TEXTS: dict[str, tuple[str, str]] = {
    # Frame.
    "tagline": (
        "Reads a text about a moral conflict, says what it finds, how sure it is, and what it withholds.",
        "도덕적 갈등을 다룬 글을 읽고, 무엇을 읽었는지, 얼마나 확신하는지, 무엇을 보류하는지 보여 줍니다.",
    ),
    "language": ("Language", "언어"),
    "notice": (
        "An aid for reading a text, not a verdict about a person.",
        "글을 읽는 데 도움을 줄 뿐, 사람에 대한 판정이 아닙니다.",
    ),
    "notice_more": (
        "It describes how a text reads to people like those who rated its data. It does not know what happened, it "
        "is often wrong, and it must not be used for decisions about people. The text stays on the machine that "
        "runs this page, and the page does not store it.",
        "학습 자료를 평가한 사람들과 비슷한 이들에게 글이 어떻게 읽히는지를 설명합니다. 실제로 무슨 일이 있었는지는 "
        "모르고 자주 틀리므로, 사람에 대한 결정에 써서는 안 됩니다. 글은 이 페이지를 실행하는 컴퓨터 안에만 있으며, "
        "이 페이지는 글을 저장하지 않습니다.",
    ),
    "text": ("Text", "글"),
    "placeholder": (
        "Type or paste a text in which somebody did something to somebody ...",
        "누군가가 누군가에게 한 일을 적은 글을 쓰거나 붙여 넣으세요 ...",
    ),
    "text_info": (
        "English or Korean. A text of more than {tokens} tokens (about {words} words) is read in pieces. "
        "Shift+Enter reads.",
        "영어 또는 한국어. {tokens}토큰(약 {words}단어)보다 긴 글은 나누어 읽습니다. Shift+Enter로 읽습니다.",
    ),
    "read": ("Read", "읽기"),
    "clear": ("Clear", "지우기"),
    "examples": ("Examples", "예시"),
    "untrained": (
        "Also show values that no training data supervised (marked, not to be trusted)",
        "학습 근거가 없는 값도 보기 (표시됨, 신뢰할 수 없음)",
    ),
    "footer": (
        "Model: {model}. Everything runs on this machine.",
        "모델: {model}. 모든 계산은 이 컴퓨터에서 이루어집니다.",
    ),
    # Instead of a reading.
    "welcome": (
        "The reading appears here. Paste a text, or take one of the examples.",
        "읽은 결과가 여기에 나타납니다. 글을 붙여 넣거나 예시를 고르세요.",
    ),
    "empty": (
        "There is nothing to read yet. Type or paste a text, or take one of the examples.",
        "아직 읽을 글이 없습니다. 글을 쓰거나 붙여 넣거나, 예시를 고르세요.",
    ),
    "failed": ("This text could not be read.", "이 글을 읽을 수 없습니다."),
    "failed_inside": (
        "The program failed; its log has the details. Other texts can still be read.",
        "내부에서 문제가 생겼습니다. 자세한 내용은 프로그램 로그에 있습니다. 다른 글은 계속 읽을 수 있습니다.",
    ),
    # Marks.
    "withheld": ("withheld", "보류"),
    "derived": ("derived", "도출"),
    "untrained_mark": ("untrained", "미학습"),
    "asserted": ("asserted", "해당"),
    "named": ("named", "고른 판정"),
    "threshold": ("threshold {value}", "문턱값 {value}"),
    "confidence_of": ("confidence {value}", "신뢰도 {value}"),
    "share": ("{value} %", "{value}%"),
    # Notes on a reading.
    "care": ("Take with care", "주의"),
    "truncated": (
        "The text was cut: only its first {tokens} tokens were read.",
        "글이 잘렸습니다. 처음 {tokens}토큰까지만 읽었습니다.",
    ),
    "windows": (
        "A long text: it was read in {count} overlapping pieces, whose readings are combined.",
        "긴 글이어서 겹치는 {count}개 조각으로 나누어 읽고 결과를 합쳤습니다.",
    ),
    "speakers": (
        '{count} people speak here. The narrator is whoever is called "me" or "I", else the first to speak.',
        "{count}명이 말하는 글입니다. 글쓴이는 '나'나 '저'라고 적힌 사람, 없으면 처음 말한 사람입니다.",
    ),
    "no_letters": (
        "The text has no letters; the reading is based on symbols alone.",
        "글자가 없는 글입니다. 기호만 보고 읽은 결과입니다.",
    ),
    "unknown_tokens": (
        "{share} of the tokens are unknown to the model.",
        "토큰의 {share}는 모델이 모르는 것입니다.",
    ),
    "recovered": (
        "These parts of the model failed, and their values are left out: {names}.",
        "모델의 다음 부분이 실패하여 그 결과를 뺐습니다: {names}.",
    ),
    "untrained_shown": (
        "Shown although no training data supervised it, so it means nothing: {names}.",
        "학습 근거가 없어 의미가 없지만 표시한 것: {names}.",
    ),
    # The headline; see `modeling_redheart.headline`.
    "head_risk": (
        "This text mentions {names}. No model should be relied on there, and this one is not made for it.",
        "이 글에는 {names}에 관한 내용이 있습니다. 이런 일에는 어떤 모델도 믿고 따라서는 안 되며, 이 모델도 그런 "
        "용도로 만들어지지 않았습니다.",
    ),
    "head_join": ("{first} and {second}", "{first}, {second}"),
    "head_author": ("The narrator is in the wrong.", "글쓴이가 잘못했습니다."),
    "head_other": (
        "Somebody else is in the wrong, not the narrator.",
        "글쓴이가 아니라 다른 사람이 잘못했습니다.",
    ),
    "head_everybody": ("Both sides are in the wrong.", "양쪽 모두 잘못했습니다."),
    "head_nobody": ("Nobody is in the wrong.", "잘못한 사람이 없습니다."),
    "head_info": (
        "Who is in the wrong cannot be judged from the text alone.",
        "글만으로는 누가 잘못했는지 판단할 수 없습니다.",
    ),
    "head_author_probable": ("The narrator is probably in the wrong.", "아마 글쓴이가 잘못했을 것입니다."),
    "head_other_probable": (
        "Probably somebody else is in the wrong, not the narrator.",
        "아마 글쓴이가 아니라 다른 사람이 잘못했을 것입니다.",
    ),
    "head_everybody_probable": (
        "Probably both sides are in the wrong.",
        "아마 양쪽 모두 잘못했을 것입니다.",
    ),
    "head_nobody_probable": ("Probably nobody is in the wrong.", "아마 잘못한 사람이 없을 것입니다."),
    "head_info_probable": (
        "Who is in the wrong can probably not be judged from the text alone.",
        "아마 글만으로는 누가 잘못했는지 판단할 수 없을 것입니다.",
    ),
    "head_unsure": ("No verdict: the model is not sure.", "판정 없음: 모델이 확신하지 못합니다."),
    "head_held_back": (
        "No verdict: the model is not sure enough to blame anybody in such a text.",
        "판정 없음: 이런 글에서 누구를 탓할 만큼 모델이 확신하지 못합니다.",
    ),
    "head_acceptability": (
        "The narrator's conduct is {value} acceptable.",
        "글쓴이의 행동은 {value} 받아들일 만합니다.",
    ),
    "head_feelings": ("Feelings: {names}.", "감정: {names}."),
    "head_neutral": ("No feeling: the text reads as neutral.", "감정 없음: 중립적으로 읽힙니다."),
    "head_no_feelings": ("No feeling that the model is sure of.", "모델이 확신하는 감정이 없습니다."),
    # At a glance.
    "glance_emotion": ("Emotions it asserts", "해당한다고 판단한 감정"),
    "glance_none": ("none", "없음"),
    "glance_none_more": (
        "No emotion reaches its threshold: the model abstains.",
        "문턱값을 넘은 감정이 없습니다. 모델은 판단을 보류합니다.",
    ),
    "glance_more": ("and {count} more", "외 {count}개"),
    "glance_verdict": ("In the wrong", "잘못한 쪽"),
    "glance_abstained": (
        "The most probable, {name} ({value}), is not probable enough.",
        "가장 확률이 높은 판정 '{name}'({value})도 충분히 확실하지 않습니다.",
    ),
    "glance_affect": ("Feeling", "느낌"),
    "pleasant": ("pleasant", "유쾌함"),
    "unpleasant": ("unpleasant", "불쾌함"),
    "mixed": ("neither pleasant nor unpleasant", "유쾌하지도 불쾌하지도 않음"),
    "of_valence": ("valence {value}, from -1 to 1", "정서가 {value} (-1에서 1까지)"),
    "words": ("The words that mattered", "중요한 낱말"),
    "words_note": (
        "Marked: up to 10 words to which the model gave most weight before it read further; a stronger mark means more "
        "weight. The marks show what the model looked at, not how it understood it.",
        "표시된 낱말은 모델이 가장 큰 가중치를 준 최대 10개입니다. 진할수록 가중치가 큽니다. 무엇을 보았는지를 말할 "
        "뿐, 어떤 뜻으로 보았는지는 말하지 않습니다.",
    ),
    "rest_cut": ("{count} more characters", "{count}자 더 있음"),
    # Leave-one-out.
    "effects_button": (
        "Which words matter? Read the text again without each",
        "어떤 낱말 때문인가? 하나씩 빼고 다시 읽기",
    ),
    "effects": ("What changes without a word", "낱말을 빼면 달라지는 것"),
    "effects_note": (
        "The text was read again without each piece ({count} pieces{merged}). Blue, +20: the piece supports this; "
        "without it the probability would be 20 percentage points lower. Orange, dashed, -20: it counts against this. "
        "Words of the same meaning hide each other.",
        "조각을 하나씩 빼고 글을 다시 읽었습니다(조각 {count}개{merged}). 파란색 +20: 뒷받침하는 조각으로, 없으면 "
        "확률이 20%p 낮아집니다. 주황색 점선 -20: 반대하는 조각입니다. 같은 뜻의 낱말은 서로를 가립니다.",
    ),
    "effects_merged": (
        "; words were joined, because at most {most} pieces are tried",
        ", 최대 {most}개만 시험하므로 낱말을 묶음",
    ),
    "effects_emotion": ("for {name} ({value})", "{name}({value})에 대해"),
    "effects_verdict": ("for the verdict {name} ({value})", "판정 '{name}'({value})에 대해"),
    "effects_none": (
        "First read a text of two words or more.",
        "먼저 두 낱말 이상의 글을 읽으세요.",
    ),
    # Charts.
    "emotions": ("Emotions", "감정"),
    "emotions_note": (
        "Probability, 0 to 100 %. The tick is the emotion's own threshold; from there on the model asserts it.",
        "확률, 0~100%. 눈금은 감정마다 다른 문턱값이며, 그 이상이면 해당한다고 판단합니다.",
    ),
    "emotions_rest": ("The other {count} emotions", "나머지 감정 {count}개"),
    "affect_note": (
        "Valence from unpleasant (-1) to pleasant (1); arousal from calm (0) to excited (1); dominance from "
        "controlled (0) to in control (1).",
        "정서가: 불쾌(-1)~유쾌(1), 각성: 차분함(0)~흥분(1), 지배: 통제당함(0)~통제함(1).",
    ),
    "nuances": ("Nuances", "감정의 세기"),
    "nuances_note": (
        "Probability that the emotion is there at least this strongly. Hatched: withheld, because no training data "
        "supervised it.",
        "감정이 적어도 이 세기로 있을 확률. 빗금은 학습 근거가 없어 보류한 것입니다.",
    ),
    "intensity": ("intensity, 0 to 1", "강도, 0~1"),
    "arc": ("Course of the emotions", "감정의 흐름"),
    "arc_note": (
        "The emotions with the highest peaks, over the sentences in their order.",
        "가장 높이 오른 감정들을 문장 순서대로 보입니다.",
    ),
    "arc_axis": ("sentence", "문장"),
    "probability": ("probability, %", "확률, %"),
    "arc_parts": ("The sentences", "문장들"),
    "arc_strongest": ("strongest", "가장 강한 감정"),
    "arc_short": ("A single sentence has no course.", "한 문장으로는 흐름을 볼 수 없습니다."),
    "bentham": ("Felicific calculus (Bentham)", "쾌락 계산 (벤담)"),
    "bentham_note": (
        "Circumstances of a pleasure or pain: 0 at the centre, 1 at the rim; valence (pain to pleasure) from -1 to "
        "1. The thin line is one standard deviation of the model. Dashed axes are withheld.",
        "쾌락이나 고통의 조건: 중심이 0, 가장자리가 1. 쾌고(고통~쾌락)는 -1에서 1까지. 가는 선은 모델의 표준편차, "
        "점선 축은 보류한 것입니다.",
    ),
    "felicific_value": (
        "Felicific value {value}, from pain (-1) to pleasure (1).",
        "쾌락 값 {value}, 고통(-1)에서 쾌락(1)까지.",
    ),
    "regret": ("Regret", "후회"),
    "regret_note": (
        "From rejoicing (-1, blue) to regret (1, orange), against what could have been. Derived: it follows by a "
        "rule from other outputs. Hatched: withheld.",
        "다른 가능성과 비교한 안도(-1, 파란색)에서 후회(1, 주황색)까지. 도출: 다른 출력에서 규칙으로 얻은 값. 빗금: "
        "보류.",
    ),
    "views": ("Three views: what could have been", "세 가지 관점: 다른 가능성"),
    "views_note": (
        "Utility: -1 grave harm, 0 mixed, 1 very good for all concerned. Plausibility is a probability.",
        "효용: -1 심각한 해, 0 좋고 나쁨이 섞임, 1 모두에게 아주 좋음. 개연성은 확률입니다.",
    ),
    "surd": ("Where the verdict's information comes from (SURD)", "판정 정보의 출처 (SURD)"),
    "surd_note": (
        "Bits of information about the verdict in emotion, Bentham's dimensions and regret: in one alone (unique), in "
        "several alike (redundant), or only together (synergy).",
        "감정, 벤담의 차원, 후회가 판정에 대해 주는 정보(비트): 하나만 주는 것(고유), 여럿이 같이 주는 것(중복), "
        "함께일 때만 생기는 것(시너지).",
    ),
    "surd_determined": (
        "With all of them, the verdict is {value} less uncertain than without any.",
        "이들을 모두 알면 판정의 불확실성이 아무것도 모를 때보다 {value} 줄어듭니다.",
    ),
    "surd_nothing": (
        "Not determined: for this text it cannot be distinguished from chance.",
        "정할 수 없음: 이 글에서는 우연과 구별되지 않습니다.",
    ),
    "bits": ("bits", "비트"),
    "verdict": ("Verdict: who is in the wrong", "판정: 누가 잘못했나"),
    "verdict_note": (
        "Who would be in the wrong for those who rated the training data; not a judgement.",
        "학습 자료를 평가한 이들이라면 누가 잘못했다고 볼지를 나타냅니다. 판결이 아닙니다.",
    ),
    "abstained": (
        "The model abstains: no verdict is probable enough to be named.",
        "모델이 판정을 보류했습니다. 이름을 댈 만큼 확률이 높은 판정이 없습니다.",
    ),
    "acceptability": ("acceptability", "수용도"),
    "acceptability_note": (
        "How acceptable the narrator's own conduct is.",
        "글쓴이 자신의 행동이 얼마나 받아들일 만한지를 나타냅니다.",
    ),
    "acceptability_low": ("0, not at all", "0, 전혀"),
    "acceptability_high": ("1, fully", "1, 완전히"),
    "perspectives": ("How each side would vote", "각자의 판정"),
    "confidence": ("How sure it is", "얼마나 확신하는가"),
    "confidence_note": (
        "1 = it expects no error, 0 = a large one: exp(-expected loss). Compare a part with the same part of other "
        "texts, not with the parts beside it: their losses have different scales.",
        "1 = 오류가 없을 것으로 예상, 0 = 큰 오류를 예상: exp(-예상 손실). 손실의 척도가 서로 다르므로 옆 부분이 "
        "아니라 다른 글의 같은 부분과 비교하세요.",
    ),
    "guarantee": ("What is guaranteed", "보장하는 것"),
    "guarantee_note": (
        "At most {alpha} errors on average, with probability {sure} for each line. It holds against the ratings of "
        "{data} ({texts} texts in {groups} groups) and for texts like those, not for others.",
        "평균 오류가 {alpha} 이하이며, 줄마다 {sure} 확률로 보장합니다. {data}의 평가(글 {texts}편, {groups}묶음)에 "
        "대해서, 그리고 그와 비슷한 글에 대해서만 성립합니다.",
    ),
    "guarantee_emotions": ("Emotions: raters' missing here", "감정: 평가자의 감정이 여기 없는 비율"),
    "guarantee_verdicts": ("Verdicts: votes outside", "판정: 이 밖의 표"),
    "guarantee_named": ("Named verdict: wrong ones", "지목한 판정: 틀린 것"),
    "guarantee_none": ("none for this text", "이 글에는 없음"),
    "guarantee_not": ("not promised: too few rated texts", "보장하지 않음: 평가된 글이 부족함"),
    "raters": ("Who rated the training data", "학습 자료를 평가한 이"),
    "raters_note": (
        "People or a model rated the texts, or a value follows from other values by a rule.",
        "사람이 평가했거나, 모델이 평가했거나, 다른 값에서 규칙으로 얻은 것입니다.",
    ),
    "withheld_title": ("What is withheld", "보류한 것"),
    "withheld_note": (
        "Nothing in the training data supervised these values, so the model does not give them.",
        "학습 자료에 근거가 없어 모델이 말하지 않는 것들입니다.",
    ),
    "withheld_none": ("Nothing is withheld.", "보류한 것이 없습니다."),
    "withheld_whole": ("all of it", "전부"),
    "withheld_count": ("{count} of {total}", "{total}개 중 {count}개"),
    "limits": ("Limits", "한계"),
}


class Words:
    """The texts of the page in one language.

    Args:
        language: Which one.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._index = LANGUAGES.index(language)

    def text(self, key: str, **values: object) -> str:
        """Return a text of the page.

        Args:
            key: A key of `TEXTS`.
            **values: What its ``{names}`` become.

        Returns:
            Plain text.

        Raises:
            KeyError: When there is no such text, or a value is missing.
        """
        return TEXTS[key][self._index].format(**values)

    def limits(self) -> tuple[str, ...]:
        """Return the limits of a model, as on its card, in plain text."""
        return dict(zip(LANGUAGES, (LIMITS, LIMITS_KOREAN), strict=True))[self.language]

    def name(self, group: str, key: str) -> str:
        """Return the display name of a label; see `names.name`."""
        return name(self.language, group, key)

    def claim(self, key: str) -> str:
        """Return a record key in words; see `names.claim_name`."""
        return claim_name(self.language, key)

    def share(self, value: float) -> str:
        """Return a probability or share in 0..1 as a percentage."""
        percent = "< 1" if 0.0 < value < 0.005 else "> 99" if 0.995 <= value < 1.0 else f"{100 * value:.0f}"
        return self.text("share", value=percent)

    def signed(self, value: float) -> str:
        """Return a number with its sign and two decimals; "0.00" where it rounds to zero."""
        return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def language_of(header: str | None) -> Language:
    """Choose the language of the page.

    Args:
        header: An ``Accept-Language`` header (RFC 9110, 12.5.4); None when there is none.

    Returns:
        The known language of the largest weight; English when the header names none.
    """
    wanted = []
    for position, item in enumerate((header or "").split(",")):
        tag, _, weight = item.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), position, tag.strip().lower().split("-")[0]))
        except ValueError:
            continue  # a weight that is not a number
    known = [language for weight, _, tag in sorted(wanted) for language in LANGUAGES if tag == language and weight]
    return known[0] if known else "en"


__all__ = ["TEXTS", "Words", "language_of"]
