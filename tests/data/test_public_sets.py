"""The public sets: a row in the columns of its authors gives what a row of our copies gives, and nothing else."""

from typing import Any

import numpy as np
import pytest

from redheart.configuration.errors import DataError
from redheart.configuration.labels import BENTHAM, EMOTIONS, VERDICTS
from redheart.data.examples import PAIRS, Example, to_units
from redheart.data.loading import examples_of, texts_of
from redheart.data.public_sets import INTENSITY_EMOTIONS, KOTE, NON_COMMERCIAL, SETS


def read(name: str, *rows: dict[str, Any], **options: Any) -> list[Example]:
    return list(examples_of(name, rows, allow_non_commercial=name in NON_COMMERCIAL, **options))


def pairs(examples: list[Example]) -> list[tuple[str, ...]]:
    """The texts of each pair, the better one first."""
    return [tuple(item.text for item in unit) for unit in to_units(examples)]


def known(example: Example, name: str) -> dict[str, float]:
    """The emotions that a target says something about."""
    values = example.targets[name]
    there = values >= 0 if name == "nuance_labels" else ~np.isnan(values)
    return {EMOTIONS[place]: float(values[place]) for place in np.flatnonzero(there)}


GRADES = {"anger": 0, "fear": 1, "joy": 0, "sadness": 3, "surprise": 2}
VOTES = dict(zip(VERDICTS, (3, 1, 0, 0, 0), strict=True))
STORY = {"moral_action": "Ann walks.", "immoral_action": "Ann kicks.", "situation": "It barks.", "intention": "Quiet."}
TOLD = {"premise": "A game.", "initial": "Ann plays.", "counterfactual": "Ann looks on.", "original_ending": "She won."}
CASE = {
    "id": "C-1",
    "group": "C1",
    "language": "en",
    "kind": "base",
    "text": "I took her seat.",
    "emotion": ["remorse"],
    "nuance.remorse": 2,
    "nuance.joy": 0,
    "nuance.fear": None,
    "better": "I left her the seat.",
    "worse": "I took her seat and laughed.",
    "utility.better": 0.25,
    "utility.actual": -0.25,
    "utility.worse": -0.5,
    "acceptability": 0.25,
    **{f"verdict.{name}": count for name, count in VOTES.items()},
    **{f"perspectives.{side}.{name}": count for side in ("self", "community") for name, count in VOTES.items()},
}

# A row of each set as its authors publish it, and the same row in our copies.
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cases": (CASE,) * 2,
    "goemotions": ({"text": "Hm.", "labels": [27], "id": "x"},) * 2,
    "goemotions_ko": ({"text": "음.", "labels": [27], "id": "x"},) * 2,
    "kote": ({"ID": "1", "text": "아", "labels": [5]}, {"id": "1", "text": "아", "labels": [5]}),
    "emotion_intensity_en": (
        {"id": "1", "text": "Oh", "disgust": None, "emotions": [], **GRADES},
        {"text": "Oh", **GRADES},
    ),
    "emobank": (
        {"id": "1", "split": "dev", "V": "4.0", "A": "3.0", "D": "2.0", "text": "Yes."},
        {"text": "Yes.", "valence": 4.0, "arousal": 3.0, "dominance": 2.0},
    ),
    "isear": (
        {"ID": "7", "SIT": "I lied.", "Field1": "guilt", "INTS": "2", "LONG": "4", "PLEA": "0"},
        {
            "respondent_id": "7",
            "text": "I lied.",
            "emotion": "guilt",
            "intensity": 2,
            "duration": 4,
            "unpleasantness": None,
        },
    ),
    "scruples_anecdotes": (
        {"title": "Me?", "text": "I left.", "label_scores": {name.upper(): count for name, count in VOTES.items()}},
        {"title": "Me?", "text": "I left.", **{f"n_{name}": count for name, count in VOTES.items()}},
    ),
    "scruples_dilemmas": (
        {
            "actions": [{"description": "lying"}, {"description": "leaving"}],
            "gold_annotations": [4, 1],
            "gold_label": 0,
        },
        {"action0": "lying", "action1": "leaving", "gold_n0": 4, "gold_n1": 1, "gold_label": 0},
    ),
    "ethics_utilitarianism": (
        {"baseline": "Cake.", "less_pleasant": "Mud."},
        {"id": "1", "more_pleasant": "Cake.", "less_pleasant": "Mud."},
    ),
    "ethics_commonsense": ({"label": 1, "input": "I lied."}, {"label": 1, "text": "I lied."}),
    "ethics_virtue": ({"label": 1, "scenario": "Ann gives. [SEP] kind"}, {"scenario": "Ann gives.", "trait": "kind"}),
    "moral_stories": ({"ID": "s", **STORY}, {"id": "s", **STORY}),
    "timetravel": (
        {**TOLD, "edited_endings": [["She saw.", "She left."]], "story_id": "t"},
        {**TOLD, "edited_endings": ["She saw. She left."], "story_id": "t"},
    ),
    "counterfactual_detection": (
        {"sentenceID": 1, "gold_label": 1, "sentence": "If so."},
        {"text": "If so.", "label": 1},
    ),
    "counterfactual_spans": ({"sentenceID": 1, "sentence": "If so.", "antecedent": "If"}, {"text": "If so."}),
    "amcd": ({"sentence": "If so.", "is_counterfactual": 1}, {"text": "If so.", "label": 1}),
}


@pytest.mark.parametrize("name", ROWS)
def test_both_forms_give_the_same(name: str) -> None:
    published, ours = (read(name, row) for row in ROWS[name])
    assert len(published) == len(ours) > 0
    for first, second in zip(published, ours, strict=True):
        assert (first.text, first.source, first.group) == (second.text, name, second.group)
        assert first.targets.keys() == second.targets.keys()
        for column, value in first.targets.items():
            np.testing.assert_array_equal(value, second.targets[column])


def test_a_set_has_targets_or_a_reason_why_not() -> None:
    assert {"ethics_deontology", "ethics_justice", *ROWS} == set(SETS)
    for name, (row, _) in ROWS.items():
        assert any(item.targets for item in read(name, row)) != bool(SETS[name].why_not)


def test_a_case_has_courses_conduct_and_both_sides() -> None:
    (case,) = read("cases", CASE)
    assert (case.better, case.worse, case.group) == (CASE["better"], CASE["worse"], "cases/C1")
    assert known(case, "nuance_labels") == {"remorse": 2, "joy": 0}
    assert known(case, "intensity_labels") == {"remorse": 0.5, "joy": 0}
    assert case.targets["utility_labels"].tolist() == [0.25, -0.25, -0.5]
    assert float(case.targets["acceptability_labels"]) == 0.25
    np.testing.assert_array_equal(case.targets["perspective_labels"][0], case.targets["verdict_labels"])
    assert np.isnan(case.targets["perspective_labels"][1]).all()  # nobody was asked; the community is the verdict


def test_kote_masks_emotions_with_only_a_near_label() -> None:
    joy, fun, sad, none = 42, 28, 5, 24
    (glad, funny, both) = read(
        "kote", *({"text": "아", "labels": given} for given in ([joy], [fun, none], [fun, joy, sad]))
    )
    assert set(known(glad, "emotion_labels")) == {*KOTE, "neutral"}
    assert {name for name, value in known(glad, "emotion_labels").items() if value} == {"joy"}
    assert "joy" not in known(funny, "emotion_labels")
    assert known(funny, "emotion_labels")["neutral"] == 1
    assert {name for name, value in known(both, "emotion_labels").items() if value} == {"joy", "sadness"}
    for wrong in ([44], [int(place == 5) for place in range(44)], ["기쁨"]):  # the second is no list of ids
        with pytest.raises(DataError, match=r"row 0: labels: .* must be ids in 0..43, each once"):
            read("kote", {"text": "아", "labels": wrong})


def test_isear_masks_emotions_that_were_not_asked_about() -> None:
    row = {
        "text": "I lied.",
        "respondent_id": "1",
        "emotion": "guilt",
        "intensity": 4,
        "duration": 1,
        "unpleasantness": 3,
    }
    guilt, shame = read("isear", row, {**row, "emotion": "shame"})
    assert "emotion_labels" not in guilt.targets
    assert known(guilt, "intensity_labels") == {"remorse": 1.0}
    assert known(guilt, "nuance_labels") == {"remorse": 4.0}
    bentham = dict(zip(BENTHAM, guilt.targets["bentham_labels"].tolist(), strict=True))
    assert {name: value for name, value in bentham.items() if value == value} == {
        "intensity": 1.0,
        "duration": 0.0,
        "valence": -1.0,
    }
    assert set(shame.targets) == {"bentham_labels"}


def test_the_less_ethical_action_is_the_worse_one() -> None:
    assert pairs(read("scruples_dilemmas", *ROWS["scruples_dilemmas"])) == [("leaving", "lying")] * 2
    unlabelled = read("scruples_dilemmas", {"action0": "a", "action1": "b", "gold_label": None})
    assert [(item.text, item.targets) for item in unlabelled] == [("a", {}), ("b", {})]


def test_excuses_are_ranked_within_their_scene_only() -> None:
    rows = [
        {"scenario": scene, "excuse": excuse, "label": label}
        for scene, excuse, label in [
            ("Paint it!", "It rains.", 1),
            ("Paint it!", "I like red.", 0),
            ("Paint  it!", "It is done.", 1),
            ("Wash it!", "It is clean.", 1),
            ("Cook it!", "It is blue.", 0),
        ]
    ]
    examples = read("ethics_deontology", *rows)
    assert pairs(examples) == [
        ("Paint it! It rains.", "Paint it! I like red."),
        ("Paint  it! It is done.", "Paint it! I like red."),
    ]
    assert all(list(item.targets) == ["acceptability_pair_labels"] for item in examples)
    assert len(list(texts_of("ethics_deontology", rows=rows))) == 5


def test_scenes_of_justice_are_known_by_their_group_or_by_their_words() -> None:
    opening = "I used to walk with Bo at lunch but not now because"
    rows = [
        {"scenario": f"{opening} Bo reads.", "label": 1},
        {"scenario": f"{opening} Bo has red shoes.", "label": 0},
        {"scenario": "I deserve to be paid by my boss because I clean.", "label": 1},
        {"scenario": "I deserve a new car by my boss because I clean.", "label": 0},
    ]
    found = pairs(read("ethics_justice", *rows))
    assert found == [(rows[0]["scenario"], rows[1]["scenario"]), (rows[2]["scenario"], rows[3]["scenario"])]
    apart = [{**row, "group": number} for number, row in enumerate(rows)]
    assert pairs(read("ethics_justice", *apart)) == []
    assert len(pairs(read("ethics_justice", *({**row, "group": 0} for row in rows)))) == 4


def test_emobank_is_one_file_with_all_splits() -> None:
    rows = [{"text": split, "V": "3", "A": "3", "D": "3", "split": split} for split in ("train", "dev", "test")]
    for split, text in (("train", "train"), ("validation", "dev"), ("dev", "dev"), ("test", "test")):
        assert [item.text for item in read("emobank", *rows, split=split)] == [text]
    assert len(read("emobank", *rows)) == 3


def test_a_rewritten_ending_is_a_text_without_a_ranking() -> None:
    rows = ROWS["timetravel"][:1]
    assert [item.text for item in read("timetravel", *rows)] == [
        "A game. Ann plays. She won.",
        "A game. Ann looks on. She saw. She left.",
    ]
    trained = {**TOLD, "edited_ending": ["She saw.", "She left."]}
    assert read("timetravel", trained)[1].text == "A game. Ann looks on. She saw. She left."
    assert not any(set(PAIRS) & set(item.targets) for item in read("timetravel", *rows))


def test_errors_name_the_row_and_what_is_missing() -> None:
    graded = {"text": "Oh", **GRADES}
    cases: list[tuple[str, list[dict[str, Any]], str]] = [
        ("emotion_intensity_en", [graded, {**graded, "joy": 5}], r"row 1: \['joy'\] must lie in 0..3, got \[5.0\]"),
        ("emotion_intensity_en", [{**graded, "joy": None}], "row 0: .* must be numbers"),
        ("emobank", [{"text": "a", "V": 1}], r"no column \['A', 'D'\]; it has \['text', 'V'\]"),
        ("goemotions", [{"text": " ", "labels": [1], "id": "a"}], "row 0, column 'text': It is blank"),
        ("emobankk", [{}], "no set 'emobankk'; did you mean 'emobank'"),
    ]
    for name, rows, message in cases:
        with pytest.raises(DataError, match=message):
            read(name, *rows)
    with pytest.raises(DataError, match="upstream, row 0"):
        read("goemotions", {"text": "", "labels": [1], "id": "a"}, where="upstream")


def test_the_five_graded_emotions_are_known_and_no_other() -> None:
    (example,) = read("emotion_intensity_en", ROWS["emotion_intensity_en"][0])
    assert set(known(example, "intensity_labels")) == set(known(example, "nuance_labels")) == set(INTENSITY_EMOTIONS)
