"""What must not leave: each check with a folder that violates it, and with one that only looks like it."""

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from redheart import RedHeartConfig
from redheart.cards.plain_card import NO_DATA, NO_FIGURES, card_metadata, missing_parts, plain_card
from redheart.evaluation.measurement.results import Evaluation, Figure
from redheart.hub_upload.inspection import machine_paths, oversized_files, pickled_files
from redheart.hub_upload.model_card import model_card
from redheart.hub_upload.staging import RESULTS, Extras, staged

Write = Callable[[str, str | bytes], Path]

# In parts, because no file of this repository may have the path of a machine either.
HOME = "/".join(("", "home", "alice"))
MAC = "/".join(("", "Users", "alice"))
ROOT = "/".join(("", "root"))


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    """A checkpoint to spoil."""
    return Path(shutil.copytree(tiny, tmp_path / "spoilt"))


@pytest.fixture
def write(folder: Path) -> Write:
    def put(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def _refused(folder: Path, message: str, extras: Extras | None = None) -> str:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=message) as caught, staged(folder, "mine", extras):
        pytest.fail("it would have gone up")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return str(caught.value)


def _zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x")
    return file.getvalue()


def _saved_by_torch() -> bytes:
    file = io.BytesIO()
    torch.save({"a": 1}, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytorch_model.bin", b""),
        ("training_args.BIN", b""),
        ("checkpoint-5/optimizer.pt", b""),
        ("scaler.pkl", b""),
        ("module.pyc", b""),
        ("state", pickle.dumps({"a": 1})),
        ("old", pickle.dumps(Path, protocol=0)),
        ("older.txt", b"cos\nsystem\n(S'ls'\ntR."),
        ("weights.dat", _saved_by_torch()),
        ("all.zip", _zipped("inside/data.pkl")),
    ],
)
def test_a_pickle_is_refused_by_name_and_by_content(folder: Path, write: Write, name: str, content: bytes) -> None:
    write(name, content)
    assert name in _refused(folder, "a pickle, which can run code")


def test_what_is_not_a_pickle_passes(write: Write, folder: Path) -> None:
    names = ["notes.md", "plot.png", "data.zip", "dot.txt", "rows.jsonl", "empty"]
    for name, content in zip(
        names, (b"# Notes\n", b"\x89PNG\r\n\x1a\n\x00", _zipped("rows.csv"), b".", b'{"a": 1}\n', b""), strict=True
    ):
        write(name, content)
    assert pickled_files(folder, names) == []
    with staged(folder, "mine") as stage:
        assert {file.name: file.what for file in stage.files}["plot.png"] == "other file of the folder"


@pytest.mark.parametrize(
    "text",
    [
        f"trained in {HOME}/runs/7",
        f"{MAC}/x",
        "see file:///srv/data/x",
        'path="/tmp/run-1"',
        f"({ROOT}/x)",
        "saved:/mnt/disk/x",
        r"D:\Models\mine",
        r"c:\users\alice",
        "/var/folders/ab/x",
    ],
)
@pytest.mark.parametrize("name", ["notes.md", "run.json"])
def test_a_path_of_a_machine_is_refused(write: Write, folder: Path, text: str, name: str) -> None:
    write(name, json.dumps({"run": {"from": text}}) if name.endswith("json") else f"Fine.\n{text}\n")
    (fault,) = machine_paths(folder, [name])
    assert fault.startswith(f"{name} has the path ")
    assert ("run.from" if name.endswith("json") else "line 2") in fault


@pytest.mark.parametrize(
    "text",
    [
        f"https://hub.org{HOME}/x",
        "path/to/home/x",
        "~/tmp/x",
        "./tmp/x",
        "and/or",
        "a:\\nb",
        "the /home directory",
        "user/name",
        "Ratio 3:/tmp",
        "{root}/tmp/x",
    ],
)
def test_what_only_looks_like_a_path_passes(write: Write, folder: Path, text: str) -> None:
    write("notes.md", text)
    assert machine_paths(folder, ["notes.md"]) == []


def test_paths_are_looked_for_where_they_hide(write: Write, folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt", "from": f"{HOME}/run"})
    (folder / "SHA256SUMS").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    write("tokenizer_config.json", json.dumps({**config, "name_or_path": f"{MAC}/rows"}))
    write("log/notes.md", f"It lay in {folder.resolve()}/x.")
    message = _refused(folder, "of a machine")
    for where in ("model.safetensors has", "tokenizer_config.json has", "log/notes.md has"):
        assert where in message


def test_words_of_a_tokenizer_are_not_paths(write: Write, folder: Path) -> None:
    words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    words["model"]["vocab"] = {f"{HOME}/x": 0}
    write("tokenizer.json", json.dumps(words))
    assert machine_paths(folder, ["tokenizer.json"]) == []


def test_hidden_files_and_caches_stay(write: Write, folder: Path) -> None:
    for name in (".env", ".git/config", "__pycache__/x.pyc", ".cache/huggingface/x"):
        write(name, "TOKEN=hf_secret")
    with staged(folder, "mine") as stage:
        assert stage.left_out == [".cache/huggingface/x", ".env", ".git/config", "__pycache__/x.pyc"]
        assert not {file.name for file in stage.files} & set(stage.left_out)


def test_weights_that_do_not_load_strictly_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop(min(weights))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _refused(folder, "SHA256SUMS records")
    (folder / "SHA256SUMS").unlink()
    _refused(folder, "1 missing")
    (folder / "model.safetensors").unlink()
    _refused(folder, "no weights")


def test_weights_of_two_saves_are_refused(folder: Path) -> None:
    shutil.copyfile(folder / "model.safetensors", folder / "model-00001-of-00002.safetensors")
    _refused(folder, r"model-00001-of-00002\.safetensors belongs to other weights")
    _refused(folder, "belongs to other weights", Extras(max_shard_size=100_000))


def test_a_folder_without_a_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    _refused(folder, r"no tokenizer\.json")
    with staged(folder, "mine", Extras(tokenizer=False)) as stage:
        assert stage.files


def test_a_file_that_the_hub_does_not_take_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(50_000_000_001)  # sparse
    (fault,) = oversized_files(tmp_path, ["model.safetensors"])
    assert "50,000,000,001 bytes" in fault
    assert "--max-shard-size" in fault


def test_too_little_space_for_shards_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000})())
    with pytest.raises(OSError, match="--workdir"), staged(folder, "mine", Extras(max_shard_size=100_000)):
        pytest.fail("it went on")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("license: apache-2.0\n", "", "no `license` in its header"),
        ("## Data\n", "## Words\n", 'no section "Data"'),
        (NO_DATA, "", 'no section "Data"'),
        ("## Limits\n", "## More\n", 'no section "Limits"'),
        (NO_FIGURES, "It is good.", "no figures in `model-index`"),
        ("## Limits\n", "## Limits\n\n[More Information Needed]\n", "still to be written"),
        ("license:", "license: [", "its header is not YAML"),
        ("license: apache-2.0", "license: mit", "put it into a file LICENSE"),
    ],
)
def test_a_card_that_lacks_a_part_is_refused(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "README.md"
    card = path.read_text(encoding="utf-8")
    assert old in card
    path.write_text(card.replace(old, new), encoding="utf-8")
    assert "README.md" in _refused(folder, message)


def test_all_faults_are_reported_at_once(folder: Path, write: Write) -> None:
    write("README.md", "# Mine\n")
    write("notes.md", f"{HOME}/x")
    message = _refused(folder, "cannot be uploaded as it is")
    for part in ("license", "Data", "Limits", "model-index", f"{HOME}/x"):
        assert part in message


def test_own_headings_pass_where_they_say_the_same() -> None:
    card = (
        "---\nlicense: mit\nmodel-index:\n- name: x\n  results:\n  - metrics:\n    - value: 0.5\n---\n"
        "# X\n\n### Training data\n\nMy own.\n\n## Known limitations ##\n\nMany.\n"
    )
    assert missing_parts(card) == []
    assert "data" in missing_parts(card.replace("My own.\n", ""))[0].lower()
    in_code = card.replace("## Known limitations ##\n\nMany.\n", "```sh\n# limits\necho\n```\n")
    assert missing_parts(in_code) == ['no section "Limits" with a text: what it must not be trusted with']


def test_a_card_without_figures_names_the_data_and_their_licences() -> None:
    config = RedHeartConfig(supervision={"utility.actual": ["ethics_utilitarianism"], "verdict": ["all-MiniLM-L6-v2"]})
    card = plain_card("mine", 1_234, config, remark="Trained on a bus.", tags=["mine"])
    assert missing_parts(card) == []
    header = card_metadata(card)
    assert header["tags"][-1] == "mine"
    assert header["base_model"] == ["sentence-transformers/all-MiniLM-L6-v2"]
    assert "1,234 parameters" in card
    assert "Trained on a bus." in card
    assert "| ethics_utilitarianism | MIT |" in card
    with pytest.raises(ValueError, match="No licence is known for 'diaries'"):
        plain_card("mine", 1, RedHeartConfig(supervision={"verdict": ["diaries"]}))


@pytest.fixture
def evaluated(folder: Path, write: Write) -> Callable[..., Evaluation]:
    """Gives the folder's config a record, takes its card away, and makes an evaluation of it."""
    path = folder / "config.json"
    record = {"utility.actual": ["ethics_utilitarianism"]}
    options: dict[str, Any] = {**json.loads(path.read_text(encoding="utf-8")), "supervision": record}
    write("config.json", json.dumps(options))
    (folder / "README.md").unlink()

    def make(value: float = 0.71) -> Evaluation:
        figure = Figure("ethics_utilitarianism", "test", "utility_ranking", "pair accuracy", "redheart", value, 100)
        return Evaluation("mine", 1_234, "redheart evaluate mine --data DATA", [figure], record=record)

    return make


def test_results_make_the_card_and_go_up_with_it(
    folder: Path, tmp_path: Path, evaluated: Callable[..., Evaluation]
) -> None:
    results = tmp_path / "figures.json"
    evaluated().save(results)
    with staged(folder, "mine", Extras(results=results)) as stage:
        metric = card_metadata((stage.folder / "README.md").read_text(encoding="utf-8"))["model-index"][0]["results"]
        assert metric[0]["metrics"] == [{"type": "accuracy", "name": "pair accuracy", "value": 0.71}]
        assert (stage.folder / RESULTS).read_bytes() == results.read_bytes()
        assert stage.made_card
    shutil.copyfile(results, folder / RESULTS)
    with staged(folder, "mine") as stage:
        assert "0.71" in (stage.folder / "README.md").read_text(encoding="utf-8")


def test_a_card_with_other_figures_than_the_results_is_refused(
    folder: Path, write: Write, evaluated: Callable[..., Evaluation]
) -> None:
    evaluated(0.71).save(folder / RESULTS)
    config = RedHeartConfig.from_pretrained(folder)
    write("README.md", model_card(evaluated(0.71), config))
    with staged(folder, "mine"):
        pass
    write("README.md", model_card(evaluated(0.99), config))
    _refused(folder, "other figures in `model-index`")


def test_a_card_with_the_figures_in_another_order_is_accepted(
    folder: Path, write: Write, evaluated: Callable[..., Evaluation]
) -> None:
    """As of a version of this package that groups the outputs otherwise."""
    first = evaluated(0.71)
    second = Figure("moral_stories", "test", "acceptability_ranking", "pair accuracy", "redheart", 0.6, 100)
    evaluation = replace(first, figures=[*first.figures, second])
    evaluation.save(folder / RESULTS)
    card = model_card(evaluation, RedHeartConfig.from_pretrained(folder))
    header = card_metadata(card)
    assert len(header["model-index"][0]["results"]) == 2
    header["model-index"][0]["results"].reverse()
    write("README.md", f"---\n{yaml.safe_dump(header)}---\n{card.split('---', 2)[2]}")
    with staged(folder, "mine"):
        pass


def test_results_of_another_model_are_refused(folder: Path, write: Write, evaluated: Callable[..., Evaluation]) -> None:
    write("README.md", model_card(evaluated(), RedHeartConfig.from_pretrained(folder)))
    other = evaluated()
    other.record = {"verdict": ["scruples_anecdotes"]}
    other.save(folder / RESULTS)
    _refused(folder, "of another model")
    write(RESULTS, "{}")
    _refused(folder, "is not an evaluation")
