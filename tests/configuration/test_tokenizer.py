"""The tokenizer that ships with the library."""

import json

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from redheart.configuration.shipped import CONFIGURATION
from redheart.recipes import train_tokenizer as tt

FOLDER = CONFIGURATION / "tokenizer"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(FOLDER)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


def test_the_folder_holds_the_two_files_and_no_path() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == ["tokenizer.json", "tokenizer_config.json"]
    options = json.loads((FOLDER / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert not [value for value in options.values() if isinstance(value, str) and "/" in value]


def test_size_and_special_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) == tokenizer.vocab_size == 9_931
    assert sorted(tokenizer.get_vocab().values()) == list(range(9_931))
    assert tokenizer.convert_tokens_to_ids(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) == [0, 1, 2, 3, 4]
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, 1, 4)
    assert (tokenizer.cls_token_id, tokenizer.sep_token_id) == (2, 3)
    assert tokenizer.model_max_length == 2_048
    assert tokenizer.padding_side == "right"


def test_it_is_the_pipeline_that_the_training_file_builds(tokenizer: PreTrainedTokenizerFast) -> None:
    shipped, built = (json.loads(backend.to_str()) for backend in (tokenizer.backend_tokenizer, tt.build_untrained()))
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        assert shipped[part] == built[part], part


@pytest.mark.parametrize(
    "text",
    [
        "I wish I had told her the truth before she left.",
        "그때 솔직하게 말했더라면 지금은 달라졌을 텐데, 너무 후회돼요 ㅠㅠ",
        "AITA (23F) for not inviting my sister? She's 31, I don\u2019t care.",
        "AI가 2024년에 진짜ㅋㅋㅋ 100% sooo 웃김",
        "😂😭❤️🙏🏽👩‍👩‍👧‍👦🇰🇷",
        "  spaces \t tabs\r\n\r\n and lines \n",
        "日本語 العربية हिन्दी 뷁쀍 \u0000 \U0010ffff",
    ],
)
def test_round_trip(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert all(0 <= token < 9_931 for token in ids)
    assert tokenizer.unk_token_id not in ids


def test_common_words_of_both_languages_are_one_entry(tokenizer: PreTrainedTokenizerFast) -> None:
    for word in (" feel", " regret", " because", " 사람", " 정말", " 너무", "ㅋㅋ"):
        assert len(tokenizer(word, add_special_tokens=False).input_ids) == 1, word


def test_empty_text_is_the_frame(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer("").input_ids == [2, 3]


def test_a_batch_is_padded_and_a_pair_is_framed(tokenizer: PreTrainedTokenizerFast) -> None:
    batch = tokenizer(["", "I feel good"], padding=True)
    assert batch.input_ids[0][:2] == [2, 3]
    assert set(batch.input_ids[0][2:]) == {0}
    assert sum(batch.attention_mask[0]) == 2
    pair = tokenizer("I left", "I stayed", return_token_type_ids=True)
    assert pair.input_ids.count(3) == 2
    assert pair.token_type_ids[-1] == 1


def test_a_hundred_thousand_characters(tokenizer: PreTrainedTokenizerFast) -> None:
    for text in ("나는 후회한다. I regret it. " * 4_000, "a" * 100_000, "가" * 100_000):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.decode(ids) == text
    assert len(tokenizer(text, truncation=True).input_ids) == 2_048


def test_a_lone_surrogate_is_a_type_error(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(TypeError):
        tokenizer("half a character: \ud83d")
    # The remedy for text that was cut in the middle of a character:
    repaired = "half a character: \ud83d".encode("utf-8", "replace").decode()
    assert tokenizer.decode(tokenizer(repaired).input_ids, skip_special_tokens=True) == "half a character: ?"
