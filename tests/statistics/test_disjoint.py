"""Which rows count as the same."""

import numpy as np
import pytest
import torch

from redheart.data.loading import Example
from redheart.statistics.disjoint import count_rows, keys_of, refuse_shared


def test_a_text_is_the_same_whatever_its_labels() -> None:
    units = [(Example("a", "one"), Example("b", "one"))]
    with pytest.raises(ValueError, match="shares 1 rows with the selection split, for example 'text b'"):
        refuse_shared({"acceptance": [(Example("b", "two"),)], "selection": units}, "input_ids")
    refuse_shared({"acceptance": [(Example("c", "one"),)], "selection": units}, "input_ids")
    with pytest.raises(ValueError, match="shares 1 rows"):
        refuse_shared({"acceptance": [{"text": "a", "label": 1}], "selection": [{"text": "a"}]}, "input_ids")


def test_tokens_are_the_same_as_a_list_an_array_and_a_tensor() -> None:
    row = {"input_ids": [5, 6, 7], "labels": 1}
    for other in ([5, 6, 7], np.array([5, 6, 7]), torch.tensor([5, 6, 7], dtype=torch.int32)):
        assert keys_of([row], "x", "input_ids") == keys_of([{"input_ids": other, "labels": 0}], "x", "input_ids")
    assert keys_of([row], "x", "input_ids") != keys_of([{"input_ids": [5, 6]}], "x", "input_ids")


def test_any_other_row_counts_as_a_whole() -> None:
    first = [(torch.zeros(2), torch.tensor(1)), (torch.ones(2), torch.tensor(1))]
    refuse_shared({"a": first, "b": [(torch.zeros(2), torch.tensor(0))]}, "input_ids")
    with pytest.raises(ValueError, match="shares 1 rows with the b split"):
        refuse_shared({"a": first, "b": first[1:]}, "input_ids")


def test_splits_may_be_several_data_sets_by_name() -> None:
    named = {"one": [{"text": "a"}], "two": [{"text": "b"}, {"text": "c"}]}
    assert count_rows(named) == 3
    assert count_rows(named["two"]) == 2
    with pytest.raises(ValueError, match="shares 1 rows"):
        refuse_shared({"acceptance": [{"text": "c"}], "selection": named}, "input_ids")


def test_a_split_must_have_rows() -> None:
    with pytest.raises(ValueError, match="The acceptance split is empty"):
        refuse_shared({"acceptance": [], "selection": [{"text": "a"}]}, "input_ids")
    with pytest.raises(ValueError, match="must have a length and rows by number, got a generator"):
        refuse_shared({"acceptance": (row for row in ()), "selection": [{"text": "a"}]}, "input_ids")
