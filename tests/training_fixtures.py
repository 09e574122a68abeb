"""What the tests of training share: units of two emotions and of verdicts, a trainer of a tiny model, and in small what
the recipe of the shipped checkpoint starts from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import MPNetConfig, MPNetModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.labels import AFFECT, VERDICTS, VIEWS
from redheart.data import loading as data
from redheart.data.loading import INTENSITY_EMOTIONS, Example, Unit
from redheart.recipes import bilingual_encoder
from redheart.training.runs.adapter_records import AdapterRecord, weights_digest
from redheart.training.runs.adapters import save_adapter
from redheart.training.runs.recipe import PeftRecipe
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.trainer import RedHeartTrainer

from .small_adapters import CLAIMS, EMOTION, adapted

JOY, SADNESS = 17, 25
# What `make_trainer` hands to the trainer; anything else is a training argument.
OF_THE_TRAINER = ("eval_dataset", "callbacks", "sizes", "compute_metrics", "compute_loss_func",
                  "optimizer_cls_and_kwargs", "preprocess_logits_for_metrics")  # fmt: skip


def labelled(emotion: int, text: str, source: str = "made-up") -> Unit:
    """A text with one emotion."""
    target = np.zeros(28, dtype=np.float32)
    target[emotion] = 1
    return (Example(text, source, {"emotion_labels": target}),)


def judged(verdict: int, text: str, source: str = "made-up") -> Unit:
    """A text with one verdict."""
    return (Example(text, source, {"verdict_labels": np.eye(5, dtype=np.float32)[verdict]}),)


@pytest.fixture
def units() -> list[Unit]:
    """Eight glad and eight sad texts."""
    joy = [labelled(JOY, f"wonderful happy sunny day number {i}") for i in range(8)]
    return joy + [labelled(SADNESS, f"crying alone in the dark night {i}") for i in range(8)]


@pytest.fixture
def mixed_units(units: list[Unit]) -> list[Unit]:
    """The same, and texts with a verdict between them, so that a batch has both kinds of target."""
    verdicts = [judged(i % 5, f"who is wrong in story {i}") for i in range(8)]
    return [unit for three in zip(units[:8], units[8:], verdicts, strict=True) for unit in three]


@pytest.fixture
def two_sets() -> list[Unit]:
    """Twelve texts with an emotion and twelve with a verdict, of two sets: a batch has only one of both."""
    feelings = [(JOY, "wonderful happy sunny day"), (SADNESS, "crying alone in the dark night")] * 6
    glad = [labelled(emotion, f"{text} number {i}", "feelings") for i, (emotion, text) in enumerate(feelings)]
    return glad + [judged(i % 5, f"who is wrong in story {i}", "verdicts") for i in range(12)]


@pytest.fixture
def in_two_processes() -> Callable[[Callable[[], object]], None]:
    """Runs a function in two processes that know each other: forks of this one, whose failure is an error here."""

    def run(function: Callable[[], object]) -> None:
        def alone() -> None:
            AcceleratorState._reset_state(reset_partial_state=True)  # the parent's, which a fork inherits
            function()

        debug_launcher(alone, num_processes=2)

    return run


@pytest.fixture
def tiny_model() -> Callable[..., RedHeartModel]:
    """Makes the tiny model; ``dropout`` and other options of the config can be given."""

    def make(dropout: float = 0.0, seed: int = 0, **options: Any) -> RedHeartModel:
        torch.manual_seed(seed)
        return RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", hidden_dropout=dropout, **options))

    return make


@pytest.fixture
def make_trainer(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Callable[..., RedHeartTrainer]:
    """Makes a trainer on the CPU that logs every step, below ``tmp_path``."""

    def make(model: RedHeartModel, units: list[Unit], folder: str = "run", **options: Any) -> RedHeartTrainer:
        kind = options.pop("kind", RedHeartTrainer)
        others = {name: options.pop(name) for name in OF_THE_TRAINER if name in options}
        defaults: dict[str, Any] = {
            "per_device_train_batch_size": 8,
            "longest_text": 32,
            "use_cpu": True,
            "logging_steps": 1,
            "save_strategy": "no",
            "disable_tqdm": True,
            "report_to": "none",
        }
        arguments = RedHeartTrainingArguments(output_dir=str(tmp_path / folder), **{**defaults, **options})
        trainer: RedHeartTrainer = kind(
            model=model, args=arguments, train_dataset=units, processing_class=tokenizer, **others
        )
        return trainer

    return make


SPECIAL = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ("love", "hate", "dog", "cat", "money", "zebra", "quux")
NOUNS = (("dog", "강아지"), ("cat", "고양이"), ("money", "돈은"))
FEELINGS = (("love", "사랑"), ("hate", "미움"))


@pytest.fixture(scope="session")
def english_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a very small MPNet, whose tokenizer knows letters and a few English words."""
    names = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS]
    made = Tokenizer(models.WordPiece({name: row for row, name in enumerate(names)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    folder = tmp_path_factory.mktemp("encoder") / "english"
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="[UNK]", cls_token="<s>", sep_token="</s>",
        mask_token="<mask>", bos_token="<s>", eos_token="</s>", model_max_length=64,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = MPNetConfig(vocab_size=len(names), hidden_size=24, num_hidden_layers=3, num_attention_heads=2,
                         intermediate_size=32, initializer_range=0.2)  # fmt: skip
    MPNetModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rows of each set that the recipe of `redheart-100m` reads, in their own columns."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    root = tmp_path_factory.mktemp("sets")
    numbers = range(24)
    english = [f"{FEELINGS[i % 2][0]} {NOUNS[i % 3][0]} {LETTERS[i]}" for i in numbers]
    korean = [f"{FEELINGS[i % 2][1]} {NOUNS[i % 3][1]} {LETTERS[i]}" for i in numbers]

    def write(name: str, split: str = "train", **columns: list[Any]) -> None:
        (root / name).mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), root / name / f"{split}.parquet")

    comments = {"id": [f"c{i}" for i in numbers], "labels": [[JOY] if i % 2 else [SADNESS] for i in numbers]}
    write("goemotions", text=english, **comments)
    write("goemotions_ko", text=korean, **comments)
    write("kote", "validation", text=[f"{text} 아" for text in korean], labels=[[i % 44] for i in numbers])
    shares = {f"verdict.{name}": [3 * (i % 5 == place) for i in numbers] for place, name in enumerate(VERDICTS)}
    write(
        "cases",
        id=[f"k{i}" if i < 20 else f"k{i - 20}-ko" for i in numbers],
        text=[f"I {text} so" for text in english[:20]] + [f"나는 {text}" for text in korean[20:]],
        group=[f"g{i}" for i in numbers],
        emotion=[["remorse"] if i % 2 else ["joy"] for i in numbers],
        **{f"nuance.{name}": [i % 5 for i in numbers] for name in ("joy", "remorse")},
        **{f"utility.{view}": [(i % 9) / 4 - 1 for i in numbers] for view in VIEWS},
        **shares,
        **{f"perspectives.self.{name.removeprefix('verdict.')}": votes for name, votes in shares.items()},
        acceptability=[(i % 5) / 4 for i in numbers],
    )
    graded = {name: [(i + place) % 4 for i in numbers] for place, name in enumerate(INTENSITY_EMOTIONS)}
    write("emotion_intensity_en", text=[f"oh {text}" for text in english], **graded)
    rated = {name: [1.0 + i % 5 for i in numbers] for name in AFFECT}
    write("emobank", text=[f"yes {text}" for text in english], **rated)
    posts = {f"n_{name}": [1 + (i % 5 == place) for i in numbers] for place, name in enumerate(VERDICTS)}
    for split in ("train", "validation"):
        titles = [f"{split} {text}?" for text in english]
        write("scruples_anecdotes", split, title=titles, text=[f"i {text}" for text in english], **posts)
    write(
        "scruples_dilemmas",
        "validation",
        action0=[f"loving {text}" for text in english],
        action1=[f"hating {text}" for text in english],
        gold_label=[i % 2 for i in numbers],
    )
    write(
        "moral_stories",
        id=[f"s{i}" for i in numbers],
        situation=["He has a dog."] * len(numbers),
        intention=["He wants the money."] * len(numbers),
        moral_action=[f"He gives the money to {i} dogs." for i in numbers],
        immoral_action=[f"He takes the money from {i} dogs." for i in numbers],
    )
    pleasant = [f"nice {text}" for text in english]
    write("ethics_utilitarianism", more_pleasant=pleasant, less_pleasant=[f"no {text}" for text in english])
    return root


@pytest.fixture
def small_bilingual(sets_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The making of the bilingual encoder, in sizes that fit ``english_encoder`` and ``sets_folder``."""
    sizes = {"LAYERS": 2, "ENTRIES": len(SPECIAL) + 2 * len(LETTERS) + len(WORDS) - 2, "PIECES": 58,
             "COUNTED": ("cases", "goemotions")}  # fmt: skip
    for name, value in sizes.items():
        monkeypatch.setattr(bilingual_encoder, name, value)
    monkeypatch.setattr(data, "OWN", sets_folder)  # not the cases of this checkout


# ---- Adapters ----


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerBase) -> Path:
    """Folder of a small model whose matrices are large enough to be quantised and whose readings depend on the text."""
    folder = tmp_path_factory.mktemp("base") / "small"
    torch.manual_seed(0)
    model = RedHeartModel(RedHeartConfig(initializer_range=0.1, supervision={"verdict": ["scruples"]}))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def read(batch: dict[str, Tensor]) -> Callable[..., Tensor]:
    """All that a model says about four texts, as one vector; or of one output."""

    @torch.no_grad()
    def of(model: nn.Module, *outputs: str) -> Tensor:
        said = model.eval()(**batch, outputs=outputs or None)
        if outputs:
            return torch.cat([said[name].logits.flatten() for name in outputs])
        parts = (said.emotion.nuance_logits, said.emotion.arc_logits, said.bentham.mean, said.verdict.logits)
        return torch.cat([part.flatten() for part in (*parts, said.expected_loss, said.embedding)])

    return of


@pytest.fixture
def trained(base: Path, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of an adapter that changes a lot."""

    def make(recipe: PeftRecipe = EMOTION, name: str = "adapter", scheme: str | None = None) -> Path:
        model = adapted(base, recipe, scheme)
        record = AdapterRecord(str(base), weights_digest(base), CLAIMS)
        save_adapter(model, tokenizer, record, tmp_path / name)
        return tmp_path / name

    return make
