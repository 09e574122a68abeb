"""Display names of the labels of a reading, in English and Korean.

Notable: there is one row per name of `configuration.labels` (a test compares the two), and the page takes all names
from here.
"""

from typing import Literal, get_args

from ..configuration import labels
from ..configuration.claims import CLAIMS

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# Group -> name in the label schema -> English, Korean.
NAMES: dict[str, dict[str, tuple[str, str]]] = {
    "emotion": {
        "admiration": ("admiration", "감탄"),
        "amusement": ("amusement", "즐거움"),
        "anger": ("anger", "분노"),
        "annoyance": ("annoyance", "짜증"),
        "approval": ("approval", "인정"),
        "caring": ("caring", "배려"),
        "confusion": ("confusion", "혼란"),
        "curiosity": ("curiosity", "호기심"),
        "desire": ("desire", "바람"),
        "disappointment": ("disappointment", "실망"),
        "disapproval": ("disapproval", "반감"),
        "disgust": ("disgust", "혐오"),
        "embarrassment": ("embarrassment", "창피함"),
        "excitement": ("excitement", "들뜸"),
        "fear": ("fear", "두려움"),
        "gratitude": ("gratitude", "감사"),
        "grief": ("grief", "비통"),
        "joy": ("joy", "기쁨"),
        "love": ("love", "사랑"),
        "nervousness": ("nervousness", "초조"),
        "optimism": ("optimism", "낙관"),
        "pride": ("pride", "자부심"),
        "realization": ("realization", "깨달음"),
        "relief": ("relief", "안도"),
        "remorse": ("remorse", "뉘우침"),
        "sadness": ("sadness", "슬픔"),
        "surprise": ("surprise", "놀람"),
        "neutral": ("neutral", "중립"),
    },
    "level": {
        "slight": ("slight", "약함"),
        "moderate": ("moderate", "보통"),
        "strong": ("strong", "강함"),
        "extreme": ("extreme", "극심"),
    },
    "affect": {
        "valence": ("valence", "정서가"),
        "arousal": ("arousal", "각성"),
        "dominance": ("dominance", "지배"),
    },
    "bentham": {
        "intensity": ("intensity", "강도"),
        "duration": ("duration", "지속성"),
        "certainty": ("certainty", "확실성"),
        "propinquity": ("propinquity", "근접성"),
        "fecundity": ("fecundity", "생산성"),
        "purity": ("purity", "순수성"),
        "extent": ("extent", "범위"),
        "valence": ("valence", "쾌고"),
        "vulnerability": ("vulnerability", "취약성"),
        "intentionality": ("intentionality", "의도성"),
    },
    "regret": {
        "action": ("action", "한 일"),
        "inaction": ("inaction", "하지 않은 일"),
        "outcome": ("outcome", "결과"),
        "process": ("process", "과정"),
        "choice": ("choice", "선택"),
        "timing": ("timing", "시기"),
        "responsibility": ("responsibility", "책임"),
    },
    "view": {
        "better": ("better", "더 나은 경우"),
        "actual": ("actual", "실제"),
        "worse": ("worse", "더 나쁜 경우"),
    },
    "verdict": {
        "author": ("author", "글쓴이"),
        "other": ("other person", "상대방"),
        "everybody": ("everybody", "모두"),
        "nobody": ("nobody", "아무도 아님"),
        "info": ("too little known", "정보 부족"),
    },
    "surd": {
        "synergy": ("synergy", "시너지"),
        "unique": ("unique", "고유"),
        "redundant": ("redundant", "중복"),
        "determined": ("determined", "결정된 비율"),
    },
    "perspective": {
        "self": ("narrator", "글쓴이"),
        "other": ("other side", "상대편"),
    },
    "risk": {
        "self_harm": ("self-harm", "자해"),
        "abuse": ("abuse", "학대나 폭력"),
        "child_in_danger": ("a child in danger", "위험에 처한 아이"),
    },
    # Of `configuration.raters`.
    "rater": {
        "people": ("people", "사람"),
        "model": ("a model", "모델"),
        "derived": ("a rule", "규칙"),
        "mixed": ("a mix of these", "섞임"),
    },
    # First words of record keys, and the outputs.
    "part": {
        "emotion": ("emotions", "감정"),
        "nuance": ("nuances", "감정의 세기 단계"),
        "intensity": ("intensity", "감정 강도"),
        "affect": ("affect", "정동"),
        "arc": ("course of the emotions", "감정의 흐름"),
        "bentham": ("Bentham's dimensions", "벤담의 차원"),
        "regret": ("regret", "후회"),
        "counterfactual": ("what could have been", "다른 가능성"),
        "utility": ("utility", "효용"),
        "plausibility": ("plausibility", "개연성"),
        "surd": ("information about the verdict", "판정에 대한 정보"),
        "verdict": ("verdict", "판정"),
        "acceptability": ("acceptability of the narrator's conduct", "글쓴이 행동의 수용도"),
        "perspectives": ("verdict by perspective", "관점별 판정"),
        "confidence": ("confidence", "신뢰도"),
        "embedding": ("embedding", "임베딩"),
        "rationale": ("words that mattered", "중요한 낱말"),
    },
    "module": {
        "emotion_head": ("emotion head", "감정 헤드"),
        "bentham_head": ("Bentham head", "벤담 헤드"),
        "regret_head": ("regret head", "후회 헤드"),
        "surd_head": ("SURD head", "SURD 헤드"),
        "emotion_analyzer": ("emotion analyzer", "감정 분석기"),
        "bentham_calculator": ("Bentham calculator", "벤담 계산기"),
        "regret_analyzer": ("regret analyzer", "후회 분석기"),
        "counterfactual_reasoner": ("counterfactual reasoner", "반사실 추론기"),
        "surd_analyzer": ("SURD analyzer", "SURD 분석기"),
        "perspectives": ("perspectives", "관점 모듈"),
    },
}

# Names along an axis -> their group; those of any other axis are in the group that has the name of the claim.
_GROUPS: dict[tuple[str, ...], str] = {
    labels.EMOTIONS: "emotion",
    labels.NUANCE_LEVELS: "level",
    labels.VIEWS: "view",
    labels.PERSPECTIVES: "perspective",
    labels.VERDICTS: "verdict",
    labels.RATED: "part",
}


def name(language: Language, group: str, key: str) -> str:
    """Return a display name.

    Args:
        language: Of the name.
        group: A group of `NAMES`.
        key: A name of the label schema.

    Returns:
        The display name.

    Raises:
        KeyError: When there is no such group, or no such name in it.
    """
    return NAMES[group][key][LANGUAGES.index(language)]


def claim_name(language: Language, key: str) -> str:
    """Return a record key in words: ``nuance.fear.extreme`` is "fear, extreme"; ``surd`` is the name of its part."""
    part, *rest = key.split(".")
    if not rest:
        return name(language, "part", part)
    groups = (_GROUPS.get(names, part) for names in CLAIMS[part].key_axes)
    return ", ".join(name(language, group, word) for group, word in zip(groups, rest, strict=False))


__all__ = ["LANGUAGES", "NAMES", "Language", "claim_name", "name"]
