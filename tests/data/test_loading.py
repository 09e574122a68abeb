"""The loaders, on a few rows written here in the sets' own columns, and on the sets themselves where they are."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
import pytest

from redheart.configuration.claims import TARGET_OUTPUTS
from redheart.configuration.extras import missing
from redheart.configuration.labels import BENTHAM, EMOTIONS, VERDICTS
from redheart.data import loading as data
from redheart.data.loading import DataError, Example, Unit, held_out, load, to_units

GRADED = data.INTENSITY_EMOTIONS
ANGER, JOY, NEUTRAL = EMOTIONS.index("anger"), EMOTIONS.index("joy"), EMOTIONS.index("neutral")


def write(root: Path, name: str, split: str, columns: dict[str, list[Any]]) -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), root / name / f"{split}.parquet")


def write_comments(root: Path, name: str, split: str, texts: list[str], labels: list[list[int]]) -> None:
    write(root, name, split, {"id": [f"{split}{i}" for i in range(len(texts))], "text": texts, "labels": labels})


def write_posts(root: Path, split: str, posts: list[tuple[str, str, tuple[int, ...]]]) -> None:
    votes = {f"n_{name}": [post[2][place] for post in posts] for place, name in enumerate(VERDICTS)}
    write(root, "scruples_anecdotes", split, {"title": [p[0] for p in posts], "text": [p[1] for p in posts], **votes})


def write_stories(root: Path) -> None:
    columns: dict[str, list[Any]] = {
        "id": ["a", "b"],
        "situation": ["The dog barks.", None],
        "intention": ["Ann wants quiet.", None],
        "moral_action": ["Ann walks the dog.", "Bo says sorry."],
        "immoral_action": ["Ann kicks the dog.", "Bo walks off."],
    }
    write(root, "moral_stories", "train", columns)


def single(text: str, group: str = "") -> Unit:
    return (Example(text, "set", {}, group),)


def texts(units: list[Unit]) -> list[str]:
    return [item.text for unit in units for item in unit]


@pytest.fixture(scope="module")
def real_root() -> Path:
    try:
        return data.find_data()
    except DataError as error:
        pytest.skip(str(error))


def test_the_columns_are_those_of_the_losses() -> None:
    assert set(data.SHAPES) == set(TARGET_OUTPUTS)


@pytest.mark.parametrize("name", ["goemotions", "goemotions_ko"])
def test_emotions_are_0_or_1(tmp_path: Path, name: str) -> None:
    write_comments(tmp_path, name, "train", ["Great!", "Hm."], [[JOY, ANGER], [NEUTRAL]])
    first, second = load(name, tmp_path, "train")
    assert first.source == name
    assert np.flatnonzero(first.targets["emotion_labels"]).tolist() == sorted([ANGER, JOY])
    assert second.targets["emotion_labels"].sum() == second.targets["emotion_labels"][NEUTRAL] == 1
    assert first.group == "goemotions/train0"  # the same in both languages


def test_intensity_is_given_for_five_emotions_and_missing_for_the_others(tmp_path: Path) -> None:
    grades = {"anger": [3], "fear": [0], "joy": [1], "sadness": [2], "surprise": [0]}
    write(tmp_path, "emotion_intensity_en", "train", {"text": ["How could you!"], **grades})
    targets = load("emotion_intensity_en", tmp_path, "train")[0].targets
    for name, (grade,) in grades.items():
        assert targets["intensity_labels"][EMOTIONS.index(name)] == pytest.approx(grade / 3)
        assert targets["nuance_labels"][EMOTIONS.index(name)] == grade
    assert np.isnan(targets["intensity_labels"]).sum() == 23
    assert (targets["nuance_labels"] == -100).sum() == 23


def test_emobank_is_brought_to_the_ranges_of_the_labels(tmp_path: Path) -> None:
    scales = {"valence": [5.0, 2.0], "arousal": [1.0, 4.0], "dominance": [3.0, 1.0]}
    write(tmp_path, "emobank", "train", {"text": ["Bliss.", "Dread."], **scales})
    first, second = (item.targets for item in load("emobank", tmp_path, "train"))
    assert first["affect_labels"].tolist() == [1.0, 0.0, 0.5]
    assert second["affect_labels"].tolist() == [-0.5, 0.75, 0.0]
    given = {
        BENTHAM[place]: second["bentham_labels"][place] for place in np.flatnonzero(~np.isnan(second["bentham_labels"]))
    }
    assert given == {"intensity": 0.75, "valence": -0.5}


def test_verdicts_are_vote_shares_without_the_two_sides(tmp_path: Path) -> None:
    write_posts(tmp_path, "train", [("Wrong?", "I left.", (1, 2, 0, 0, 1)), ("Title only", " ", (0, 0, 0, 3, 0))])
    first, second = load("scruples_anecdotes", tmp_path, "train")
    assert (first.text, second.text) == ("Wrong?\nI left.", "Title only")
    assert first.targets["verdict_labels"].tolist() == [0.25, 0.5, 0, 0, 0.25]
    assert set(first.targets) == {"verdict_labels"}


def test_scenes_are_pairs(tmp_path: Path) -> None:
    columns = {"more_pleasant": ["Cake.", "Sun.", "Same"], "less_pleasant": ["Mud.", "Rain.", "Same "]}
    write(tmp_path, "ethics_utilitarianism", "train", columns)
    units = to_units(load("ethics_utilitarianism", tmp_path, "train"))
    assert [[item.text for item in unit] for unit in units] == [["Cake.", "Mud."], ["Sun.", "Rain."]]
    for unit in units:
        (first, better), (second, worse) = (item.targets["utility_pair_labels"].tolist() for item in unit)
        assert (first, better, worse) == (second, 1, 0)


def test_a_story_gives_actions_alone_and_in_their_situation(tmp_path: Path) -> None:
    write_stories(tmp_path)
    units = to_units(load("moral_stories", tmp_path, "train"))
    story = "The dog barks. Ann wants quiet. Ann"
    assert [[item.text for item in unit] for unit in units] == [
        ["Ann walks the dog.", "Ann kicks the dog."],
        [f"{story} walks the dog.", f"{story} kicks the dog."],
        ["Bo says sorry.", "Bo walks off."],
    ]
    columns = ["acceptability_pair_labels", "branch_pair_labels", "acceptability_pair_labels"]
    assert [list(unit[0].targets) for unit in units] == [[name] for name in columns]
    ids = [int(unit[0].targets[name][0]) for unit, name in zip(units, columns, strict=True)]
    assert len(set(ids)) == 3


def test_train_loses_what_validation_has_unless_asked_not_to(tmp_path: Path) -> None:
    write_comments(tmp_path, "goemotions", "train", ["New", "Thank  YOU!", "Test too"], [[0], [1], [2]])
    write_comments(tmp_path, "goemotions", "validation", ["thank you", "Other"], [[0], [1]])
    write_comments(tmp_path, "goemotions", "test", ["test too"], [[0]])
    kept = {unlike: [item.text for item in load("goemotions", tmp_path, "train", unlike=unlike)] for unlike in
            [("validation",), ("validation", "test"), ()]}  # fmt: skip
    assert [item.text for item in load("goemotions", tmp_path, "train")] == ["New", "Test too"]
    assert kept == {
        ("validation",): ["New", "Test too"],
        ("validation", "test"): ["New"],
        (): ["New", "Thank  YOU!", "Test too"],
    }
    assert len(load("goemotions", tmp_path, "validation")) == 2
    both = (load("goemotions", tmp_path, split, unlike=()) for split in ("train", "validation"))
    assert data.overlap(*both) == {"thank you"}


def test_texts_are_the_same_by_their_words() -> None:
    assert data.normalised("  It\u2019s  \uff2fver!! ") == data.normalised("it's over") == "it s over"
    assert data.normalised("그만, 해.") == "그만 해"
    assert data.normalised("😂 😂") == "😂 😂" != data.normalised("?!")


def test_a_pair_is_removed_as_a_whole(tmp_path: Path) -> None:
    for split, better in (("train", ["Cake.", "Sun."]), ("validation", ["Cake.", "Tea."])):
        columns = {"more_pleasant": better, "less_pleasant": [f"{split} 1", f"{split} 2"]}
        write(tmp_path, "ethics_utilitarianism", split, columns)
    assert [item.text for item in load("ethics_utilitarianism", tmp_path, "train")] == ["Sun.", "train 2"]


def test_held_out_does_not_depend_on_the_order_and_never_splits_what_belongs_together() -> None:
    units = [single(f"text {number}") for number in range(400)]
    pair: Unit = (Example("text 1", "set"), Example("text 2", "set"))
    units += [single("TEXT  3"), pair, single("text 4", "story"), single("told", "story")]
    kept, held = held_out(units, 0.25, seed=3)
    assert len(kept) + len(held) == len(units)
    assert 0.15 < len(held) / len(units) < 0.35
    again = held_out(units[::-1], 0.25, seed=3)[1]
    assert sorted(texts(again)) == sorted(texts(held))
    assert sorted(texts(held_out(units, 0.25, seed=4)[1])) != sorted(texts(held))
    assert held_out(units, 0.0) == (units, [])
    assert held_out(units, 1.0) == ([], units)
    for seed in range(20):
        kept, held = held_out(units, 0.5, seed=seed)
        sides = [{data.normalised(text) for text in texts(side)} for side in (kept, held)]
        assert not sides[0] & sides[1]
        assert any({"text 1", "text 2"} <= side for side in sides)
        assert any({"text 4", "told"} <= side for side in sides)


def test_half_a_pair_is_an_error() -> None:
    half = Example("Alone", "set", {"utility_pair_labels": np.array([7, 1])})
    with pytest.raises(DataError, match=r"'set'.*\[1\].*one 1 and one 0"):
        to_units([half])


@pytest.mark.parametrize("name", ["amcd", "isear"])
def test_non_commercial_sets_are_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="forbids commercial use"):
        load(name, tmp_path, "train")
    with pytest.raises(DataError, match="forbids commercial use"):
        next(data.texts_of(name, tmp_path))
    with pytest.raises(DataError, match="forbids commercial use"):
        next(data.examples_of(name, [{"text": "a"}]))


def test_a_non_commercial_set_is_read_where_that_is_allowed(tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"text": ["I won."], "emotion": ["joy"], "respondent_id": ["1"], "intensity": [3]}
    write(tmp_path, "isear", "train", columns)
    (example,) = load("isear", tmp_path, "train", allow_non_commercial=True)
    assert example.targets["nuance_labels"][JOY] == 3
    assert list(data.texts_of("isear", tmp_path, allow_non_commercial=True)) == ["I won."]


def test_a_set_that_supervises_nothing_has_texts_only(tmp_path: Path) -> None:
    write(tmp_path, "ethics_virtue", "train", {"scenario": ["Ann shares.", "Ann shares.", "Bo lies."]})
    with pytest.raises(DataError, match=r"'ethics_virtue' supervises nothing: .*no traits.*`texts_of`"):
        load("ethics_virtue", tmp_path, "train")
    assert list(data.texts_of("ethics_virtue", tmp_path)) == ["Ann shares.", "Bo lies."]


def test_texts_are_those_that_training_reads_each_once(tmp_path: Path) -> None:
    write_stories(tmp_path)
    texts_there = list(data.texts_of("moral_stories", tmp_path))
    assert texts_there == [item.text for item in load("moral_stories", tmp_path, "train")]
    rows = [{"baseline": "Cake.", "less_pleasant": "Mud."}, {"baseline": "Sun.", "less_pleasant": "Mud."}]
    assert list(data.texts_of("ethics_utilitarianism", rows=rows)) == ["Cake.", "Mud.", "Sun."]


def test_a_set_comes_from_the_hub_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    calls: list[Any] = []

    def load_dataset(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        calls.append((args, kwargs))
        return [{"text": "Great!", "labels": [JOY], "id": "a"}]

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    (example,) = data.load_hub("goemotions", "train", streaming=True)
    assert (example.source, example.targets["emotion_labels"][JOY]) == ("goemotions", 1)
    assert calls[0][0] == ("google-research-datasets/go_emotions", "simplified")
    assert calls[0][1]["streaming"]
    with pytest.raises(DataError, match=r"'emobank' has no known repository on the hub.*read_rows"):
        data.load_hub("emobank", "train")
    with pytest.raises(DataError, match=r"'timetravel' supervises nothing"):
        data.load_hub("timetravel", "train")


def test_errors_name_the_path_what_exists_and_the_remedy(tmp_path: Path) -> None:
    write_comments(tmp_path, "goemotions", "train", ["Hm."], [[28]])
    write(tmp_path, "emobank", "train", {"text": ["a"], "valence": [0.5], "arousal": [3.0], "dominance": [3.0]})
    write(tmp_path, "ethics_utilitarianism", "train", {"id": ["1"], "more_pleasant": ["a"]})
    write(tmp_path, "emotion_intensity_en", "train", {"text": [None], **{name: [1] for name in GRADED}})
    write_posts(tmp_path, "train", [("t", "b", (0, 0, 0, 0, 0))])
    (tmp_path / "goemotions_ko").mkdir()
    (tmp_path / "goemotions_ko" / "train.parquet").write_bytes(b"PAR1 half a file")
    cases = [
        ("goemotion", "train", "did you mean 'goemotions'"),
        ("moral_stories", "train", "no folder .*moral_stories.*goemotions"),
        ("goemotions", "test", r"no file .*test.parquet.*\['train'\].*held_out"),
        ("goemotions", "train", r"\[28\] must be ids in 0..27"),
        ("emobank", "train", r"\['valence'\] must lie in 1..5"),
        ("ethics_utilitarianism", "train", r"no column \['less_pleasant'\].*more_pleasant"),
        ("emotion_intensity_en", "train", "1 of 1 rows have no 'text'"),
        ("scruples_anecdotes", "train", "row 0: The post has no vote"),
        ("goemotions_ko", "train", "not a whole parquet file"),
    ]
    for name, split, message in cases:
        with pytest.raises(DataError, match=message):
            load(name, tmp_path, split)
    with pytest.raises(DataError, match=r"no data folder .*nowhere.*REDHEART_DATA"):
        load("goemotions", tmp_path / "nowhere", "train")
    write_comments(tmp_path, "goemotions", "empty", [], [])
    with pytest.raises(DataError, match=r"empty.parquet has no rows"):
        load("goemotions", tmp_path, "empty")


def test_the_data_folder_can_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDHEART_DATA", str(tmp_path))
    assert data.find_data() == tmp_path


def test_importing_redheart_needs_neither_pyarrow_nor_scikit_learn() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = sys.modules['sklearn'] = None\n"
        "import redheart.data.loading, redheart.batches.collator\n"
        "from pathlib import Path\n"
        "try: redheart.data.loading.load('emobank', Path('.'), 'train')\n"
        "except ImportError as error: print(error)"
    )
    path = [str(Path(data.__file__).parents[2])]
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path}\n{code}"], capture_output=True, text=True, check=True
    )
    assert str(missing("Reading data needs pyarrow", "train")) in run.stdout


def test_every_set_that_is_known_can_be_read(real_root: Path) -> None:
    folders = {path.name for path in real_root.iterdir() if path.is_dir()}
    assert set(data.SETS) <= folders  # which may hold further sets
    for name in data.SETS:
        split = next(split for split in ("validation", "test") if (real_root / name / f"{split}.parquet").is_file())
        assert next(data.texts_of(name, real_root, split, allow_non_commercial=True)).strip()
        if not data.SETS[name].why_not:
            assert to_units(load(name, real_root, split, allow_non_commercial=True))


def test_every_set_loads_as_its_readme_says(real_root: Path) -> None:
    validation = {"goemotions": 5426, "emobank": 1000, "scruples_anecdotes": 2344, "moral_stories": 4000}
    for name, count in validation.items():
        examples = load(name, real_root, "validation")
        assert len(examples) == count
        for column, value in examples[0].targets.items():
            assert value.shape == data.SHAPES[column]
    train = [load("emobank", real_root, "train", unlike=unlike) for unlike in ((), ("validation",))]
    seen = {data.normalised(item.text) for item in load("emobank", real_root, "validation")}
    assert len(train[0]) == 8062 > len(train[1])
    assert not any(data.normalised(item.text) in seen for item in train[1])
