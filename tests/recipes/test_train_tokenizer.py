"""The tokenizer's training, on a few sentences written here."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from redheart.recipes import train_tokenizer as tt

SMALL = 400  # the special tokens, 256 bytes, and 139 merges
ENGLISH = (
    "I regret that I never told her how I felt about it.",
    "If I had told her, things would be different today.",
    "I'm 25 and he's 27, we don't talk about feelings.",
    "She was angry because nobody had asked her, 😂 can you believe it?",
)
KOREAN = (
    "그때 말하지 않은 것을 후회합니다.",
    "내가 말했더라면 오늘은 달라졌을 것입니다.",
    "진짜 화가 나네요 ㅋㅋㅋㅋ 어이없어요 ㅠㅠ",
    "아무도 묻지 않아서 그녀는 화가 났습니다.",
)
TEXTS = (ENGLISH + KOREAN) * 4


def small_tokenizer() -> PreTrainedTokenizerFast:
    return tt.train_tokenizer(TEXTS, vocab_size=SMALL, min_frequency=2)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer()


def write_set(folder: Path, columns: Mapping[str, list[object]], split: str = "train") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), folder / f"{split}.parquet")


def pieces(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    """What the merges cannot cross: the text between two borders, spaces visible."""
    splits = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)
    return [text[start:end] for _, (start, end) in splits]


def test_the_shipped_size_is_a_multiple_of_64() -> None:
    assert tt.VOCAB_SIZE == 9_931


def test_special_tokens_have_the_first_ids(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.convert_tokens_to_ids(list(tt.SPECIAL_TOKENS)) == [0, 1, 2, 3, 4]
    assert tokenizer.pad_token_id == 0
    assert tokenizer.unk_token_id == 1
    assert tokenizer.cls_token_id == 2
    assert tokenizer.sep_token_id == 3
    assert tokenizer.mask_token_id == 4
    assert tokenizer.model_max_length == tt.MODEL_MAX_LENGTH == 2_048
    assert len(tokenizer) == SMALL


def test_single_and_pair_templates(tokenizer: PreTrainedTokenizerFast) -> None:
    a, b = (tokenizer.get_vocab()[letter] for letter in "ab")
    assert tokenizer("a").input_ids == [2, a, 3]
    pair = tokenizer("a", "b", return_token_type_ids=True)
    assert pair.input_ids == [2, a, 3, b, 3]
    assert pair.token_type_ids == [0, 0, 0, 1, 1]
    assert tokenizer("").input_ids == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        *ENGLISH,
        *KOREAN,
        "",
        " ",
        "  two  spaces \t and\r\n\r\nlines \n",
        "don\u2019t, Don't, DON'T",
        "😂😂 ❤️ 👩‍👩‍👧 🇰🇷",
        "AI가 2024년에 100%를 ㅋㅋㅋ sooo 웃김 😭",
        "café naïve Ünïcödé 日本語 العربية हिन्दी",
        "\u0000\u200b\ufeff\U0010ffff",
    ],
)
def test_round_trip(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.unk_token_id not in ids


def test_decomposed_hangul_becomes_composed(tokenizer: PreTrainedTokenizerFast) -> None:
    composed = "후회합니다 café"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert tokenizer(decomposed).input_ids == tokenizer(composed).input_ids
    assert tokenizer.decode(tokenizer(decomposed).input_ids, skip_special_tokens=True) == composed


def test_borders(tokenizer: PreTrainedTokenizerFast) -> None:
    assert pieces(tokenizer, "I'm 25, don\u2019t go") == ["I", "'m", " 2", "5", ",", " don", "\u2019t", " go"]
    assert pieces(tokenizer, "AI가 진짜ㅋㅋㅋ ㅠㅠ!") == ["AI", "가", " 진짜", "ㅋㅋㅋ", " ㅠㅠ", "!"]
    assert pieces(tokenizer, "so 😂❤️\n\nhi") == ["so", " 😂❤️", "\n\n", "hi"]


def test_frequent_words_are_one_entry(tokenizer: PreTrainedTokenizerFast) -> None:
    for word in (" told", " her", " 것", " 화가"):
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word


def test_mask_takes_the_space_before_it(tokenizer: PreTrainedTokenizerFast) -> None:
    told, mask = tokenizer("I told", add_special_tokens=False).input_ids[:1], tokenizer.mask_token_id
    assert tokenizer("I [MASK]", add_special_tokens=False).input_ids == [*told, mask]


def test_special_tokens_in_a_text_can_be_switched_off(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "he wrote [SEP] to me"
    assert tokenizer(text).input_ids.count(3) == 2
    safe = tokenizer(text, split_special_tokens=True).input_ids
    assert safe.count(3) == 1
    assert tokenizer.decode(safe, skip_special_tokens=True) == text


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        small_tokenizer().save_pretrained(tmp_path / name)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_saved_tokenizer_loads_and_agrees(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "I [MASK] 후회합니다 😂"
    assert loaded(text).input_ids == tokenizer(text).input_ids
    assert loaded.model_max_length == tt.MODEL_MAX_LENGTH


def test_too_little_text_is_an_error_with_both_numbers() -> None:
    with pytest.raises(tt.TokenizerTrainingError, match=r"give 2\d\d entries, but 9931 were requested"):
        tt.train_tokenizer(["hello hello"], min_frequency=1)


def test_vocabulary_without_room_for_the_bytes_is_an_error() -> None:
    with pytest.raises(tt.TokenizerTrainingError, match=r"\(260\) must be at least 261"):
        tt.train_tokenizer(TEXTS, vocab_size=260)


def test_a_word_does_not_enter_by_being_repeated() -> None:
    assert max(source.copies for source in tt.SOURCES) < tt.MIN_FREQUENCY


def test_sets_that_forbid_commercial_use_are_left_out() -> None:
    assert {source.folder for source in tt.SOURCES}.isdisjoint({"amcd", "isear"})


def test_figures_are_measured_on_files_that_are_not_trained_on() -> None:
    trained = {(source.folder, source.split) for source in tt.SOURCES}
    assert trained.isdisjoint({(source.folder, source.split) for _, source in tt.HELD_OUT})
    assert not any(split.startswith("test") for _, split in trained)


def test_read_source_takes_distinct_texts_of_all_columns_and_lists(tmp_path: Path) -> None:
    write_set(tmp_path / "a", {"one": ["x", "x", None], "many": [["y", "z"], [], ["x"]], "other": ["no", "no", "no"]})
    assert sorted(tt.read_source(tmp_path, tt.Source("a", ("one", "many")))) == ["x", "y", "z"]


def test_read_source_does_not_depend_on_the_row_order(tmp_path: Path) -> None:
    letters: list[object] = list("abcdefghij")
    write_set(tmp_path / "a", {"text": letters})
    write_set(tmp_path / "b", {"text": letters[::-1]})
    texts = tt.read_source(tmp_path, tt.Source("a"))
    assert texts == tt.read_source(tmp_path, tt.Source("b"))
    assert tt.read_source(tmp_path, tt.Source("a", cap_bytes=4)) == texts[:4]


def test_the_cap_counts_bytes(tmp_path: Path) -> None:
    write_set(tmp_path / "a", {"text": ["가", "나", "다"]})  # three bytes each
    assert len(tt.read_source(tmp_path, tt.Source("a", cap_bytes=8))) == 2


def test_collect_texts_repeats_by_copies(tmp_path: Path) -> None:
    write_set(tmp_path / "en", {"text": ["a"]})
    write_set(tmp_path / "ko", {"text": ["가"]}, split="validation")
    sources = (tt.Source("en"), tt.Source("ko", split="validation", copies=3))
    assert tt.collect_texts(tmp_path, sources) == ["a", "가", "가", "가"]


def test_missing_things_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Data folder .*nowhere does not exist; pass .* --data"):
        tt.collect_texts(tmp_path / "nowhere", tt.SOURCES)
    with pytest.raises(FileNotFoundError, match=r"emobank does not exist; pass as --data"):
        tt.read_source(tmp_path, tt.Source("emobank"))
    (tmp_path / "emobank").mkdir()
    with pytest.raises(FileNotFoundError, match=r"train\.parquet does not exist; put the `train` split"):
        tt.read_source(tmp_path, tt.Source("emobank"))


def test_a_wrong_file_is_named_with_its_columns(tmp_path: Path) -> None:
    write_set(tmp_path / "a", {"body": ["x"]})
    with pytest.raises(tt.TokenizerTrainingError, match=r"train\.parquet is not .* \['text'\]"):
        tt.read_source(tmp_path, tt.Source("a"))
    (tmp_path / "a" / "train.parquet").write_bytes(b"not parquet")
    with pytest.raises(tt.TokenizerTrainingError, match=r"train\.parquet is not a parquet file"):
        tt.read_source(tmp_path, tt.Source("a"))


def test_measure_counts_by_hand(tokenizer: PreTrainedTokenizerFast) -> None:
    # " told" and " her" are one entry each: 2 tokens for 2 words and 9 bytes; "zq" has no merge: 2 tokens, 1 word.
    figures = tt.measure(tokenizer, [" told her", "zq"])
    assert figures == tt.Figures(texts=2, tokens_per_word=4 / 3, bytes_per_token=11 / 4, round_trips=1.0)
    with pytest.raises(tt.TokenizerTrainingError, match="no texts"):
        tt.measure(tokenizer, [])


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def train_small(texts: list[str]) -> PreTrainedTokenizerFast:
        return train(texts, vocab_size=SMALL, min_frequency=2)

    train = tt.train_tokenizer
    write_set(tmp_path / "data" / "en", {"text": list(ENGLISH)})
    write_set(tmp_path / "data" / "en", {"text": ["I never told her."]}, split="validation")
    write_set(tmp_path / "data" / "ko", {"text": list(KOREAN)})
    monkeypatch.setattr(tt, "SOURCES", (tt.Source("en", copies=4), tt.Source("ko", copies=4)))
    monkeypatch.setattr(tt, "HELD_OUT", (("English", tt.Source("en", split="validation")),))
    monkeypatch.setattr(tt, "train_tokenizer", train_small)
    output = tmp_path / "deep" / "tokenizer"
    assert tt.main(["--data", str(tmp_path / "data"), "--output", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "Saved 400 entries" in printed
    assert "100.00%" in printed
    assert sorted(path.name for path in output.iterdir()) == ["tokenizer.json", "tokenizer_config.json"]
    assert str(tmp_path) not in "".join(path.read_text(encoding="utf-8") for path in output.iterdir())


def test_command_line_reports_a_missing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = tt.main(["--data", str(tmp_path / "nowhere"), "--output", str(tmp_path / "out")])
    assert status == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
