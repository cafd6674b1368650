"""The operator's file of LoRAs: what is offered, and the sentence for each thing wrong with it."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_worker.__main__ import main
from gpu_worker.engine.specs import SHAPES
from gpu_worker.lora_registry import RegistryFault, fetch_from_hub, hash_of, offered_loras
from gpu_worker.loras import Loras, OfferedLora
from gpu_worker.ports import LoraFile
from shared.errors import ErrorCode, InvalidInput
from shared.parse import parse_request

CONTENT = b"tensors"
SHA = hashlib.sha256(CONTENT).hexdigest()
REVISION = "0123456789abcdef0123456789abcdef01234567"
HUB = f"""
repository = "ann/ink-xl"
revision = "{REVISION}"
weight_name = "ink.safetensors"
sha256 = "{SHA}"
"""


def no_hub(repository: str, revision: str, name: str) -> Path:
    raise AssertionError("the hub was asked")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a file that a registry may name."""
    (tmp_path / "ink.safetensors").write_bytes(CONTENT)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    registry = folder / "loras.toml"
    registry.write_text(text, encoding="utf-8")
    return registry


def entry(more: str = "", *, name: str = "ink", sha: str = SHA) -> str:
    return f'[{name}]\nfile = "ink.safetensors"\nsha256 = "{sha}"\n{more}\n'


def faults(folder: Path, text: str) -> list[str]:
    """What is said of a registry, without its name."""
    registry = write(folder, text)
    with pytest.raises(RegistryFault) as caught:
        offered_loras(registry, "sdxl", fetch=no_hub)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(str(registry)) for line in lines)
    return [line.removeprefix(str(registry)).removeprefix(": ") for line in lines]


def ask(loras: Loras, **wish: object) -> tuple[LoraFile, ...]:
    return loras.find(parse_request({"prompt": "x", "loras": [wish]}))


def refusal(loras: Loras, **wish: object) -> str:
    with pytest.raises(InvalidInput) as caught:
        ask(loras, **wish)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert not caught.value.retryable
    return caught.value.message


def test_a_file_beside_the_registry_is_found_and_offered(folder: Path) -> None:
    loras = offered_loras(write(folder, entry(sha=SHA.upper())), "sdxl", fetch=no_hub)
    (found,) = ask(loras, name="ink", weight=0.5)
    assert found == LoraFile(name="ink", weight=0.5, file=folder / "ink.safetensors", sha256=SHA)


def test_a_file_of_the_hub_is_fetched_at_its_revision_and_checked(folder: Path) -> None:
    asked = []

    def fetch(*place: str) -> Path:
        asked.append(place)
        return folder / "ink.safetensors"

    loras = offered_loras(write(folder, f"[ink]\n{HUB}"), "sdxl", fetch=fetch)
    assert loras.names == ["ink"]
    assert asked == [("ann/ink-xl", REVISION, "ink.safetensors")]
    with pytest.raises(RegistryFault, match=r"\[ink\] sha256 is 0{64}, but that of .* is " + SHA):
        offered_loras(write(folder, f"[ink]\n{HUB.replace(SHA, '0' * 64)}"), "sdxl", fetch=fetch)


def test_what_the_hub_s_cache_holds_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - half a second

    place = tmp_path / "models--ann--ink-xl" / "snapshots" / REVISION
    place.mkdir(parents=True)
    (place / "ink.safetensors").write_bytes(CONTENT)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hash_of(fetch_from_hub("ann/ink-xl", REVISION, "ink.safetensors")) == SHA


def test_a_file_that_the_hub_does_not_give_is_told_with_its_place(folder: Path) -> None:
    def fetch(*_: str) -> Path:
        raise ConnectionError("no route to host\nand more")

    with pytest.raises(RegistryFault) as caught:
        offered_loras(write(folder, f"[ink]\n{HUB}"), "sdxl", fetch=fetch)
    assert str(caught.value).endswith(
        f"[ink] cannot be fetched from ann/ink-xl at {REVISION}: ConnectionError: no route to host"
    )


def test_those_of_other_models_are_left_out_and_not_even_read(folder: Path) -> None:
    registry = write(
        folder,
        entry('models = ["sdxl"]')
        + entry('models = ["shapes", "sdxl"]', name="both")
        + f'[far]\nmodels = ["shapes"]\n{HUB}',
    )
    sdxl = offered_loras(registry, "sdxl", fetch=no_hub)
    assert sdxl.names == ["both", "ink"]
    shapes = offered_loras(registry, "shapes", fetch=lambda *_: folder / "ink.safetensors")
    assert {"both", "far"} <= set(shapes.names)
    assert "ink" not in shapes.names
    assert refusal(sdxl, name="far") == ('loras[0].name is "far"; it must be one of both, ink.')


def test_the_operator_s_bound_holds_on_both_sides(folder: Path) -> None:
    loras = offered_loras(write(folder, entry("max_weight = 0.8")), "sdxl", fetch=no_hub)
    for weight in (-0.8, 0.8):
        assert ask(loras, name="ink", weight=weight)[0].weight == weight
    for weight in (-0.9, 0.9, 2):
        assert refusal(loras, name="ink", weight=weight) == (
            f"loras[0].weight is {weight:g}; of ink it must be a number from -0.8 to 0.8."
        )


def test_where_none_is_offered_that_is_said() -> None:
    said = refusal(offered_loras(None, "sdxl"), name="ink")
    assert said == 'loras[0].name is "ink"; this worker offers no LoRAs.'


def test_a_request_without_any_asks_for_none() -> None:
    for wish in ({"prompt": "x"}, {"prompt": "x", "task_type": "text2video"}):
        assert Loras().find(parse_request(wish)) == ()


def test_the_model_s_own_is_offered_where_its_file_is_and_only_of_the_model_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [file.stem for file in SHAPES.own_loras if file.is_file()]
    assert offered_loras(None, "shapes").names == there
    assert offered_loras(None, "shapes", model_dir=folder).names == []
    assert offered_loras(None, "sdxl").names == []
    own = OfferedLora(name="ink", file=folder / "own", sha256="0" * 64)
    theirs = OfferedLora(name="ink", file=folder / "theirs", sha256="1" * 64)
    assert ask(Loras([own, theirs]), name="ink")[0].file == theirs.file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entry("colour = 1"), '[ink] has a key "colour"; known are: file, repository, revision,'),
        (entry(name='"Ink 2"'), '["Ink 2"] is no name; it must be a name of at most'),
        ('ink = "ink.safetensors"', 'ink is "ink.safetensors"; it must be a table, [ink].'),
        (f'[ink]\nsha256 = "{SHA}"', "[ink] has no file; it must be the path of a .safetensors"),
        ('[ink]\nfile = "ink.safetensors"', "[ink] has no sha256; it must be the SHA-256 of the"),
        (
            f'[ink]\nfile = "ink.ckpt"\nsha256 = "{SHA}"',
            '[ink] file is "ink.ckpt"; it must be the path of a .safetensors file.',
        ),
        (f"[ink]\nfile = 5\nsha256 = '{SHA}'", "[ink] file is 5; it must be the path of"),
        (entry(sha="abc"), '[ink] sha256 is "abc"; it must be the SHA-256 of the file, 64 hex'),
        (entry('models = ["sd15"]'), '[ink] models is ["sd15"]; it must be a list of models: sha'),
        (entry('models = "sdxl"'), '[ink] models is "sdxl"; it must be a list of models: shapes,'),
        (entry("models = []"), "[ink] models is []; it must be a list of models"),
        (entry("models = [[1]]"), "[ink] models is [[1]]; it must be a list of models"),
        (entry("max_weight = 3"), "[ink] max_weight is 3; it must be a number above 0 and up to 2"),
        (entry("max_weight = 0"), "[ink] max_weight is 0; it must be a number above 0"),
        (entry("max_weight = nan"), "[ink] max_weight is NaN; it must be a number above 0"),
        (entry("max_weight = true"), "[ink] max_weight is true; it must be a number above 0"),
        (
            f"[ink]\n{HUB.replace(REVISION, 'main')}",
            '[ink] revision is "main"; it must be a full commit id, 40 hex digits.',
        ),
        (f"[ink]\n{HUB.replace('ann/', '')}", '[ink] repository is "ink-xl"; it must be a repos'),
        (f'[ink]\nrepository = "a/b"\nrevision = "{REVISION}"\nsha256 = "{SHA}"',
         "[ink] has no weight_name; it must be the name of a .safetensors file"),
        (f'[ink]\nfile = "ink.safetensors"\n{HUB}', "[ink] has a file and a place on the hub; it"),
        (entry(sha="0" * 64), f"[ink] sha256 is {'0' * 64}, but that of "),
        (entry().replace("ink.saf", "nowhere.saf"), "[ink] "),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_told_in_one_sentence(folder: Path, text: str, said: str) -> None:
    (fault,) = faults(folder, text)
    assert fault.startswith(said)
    assert fault.endswith(".")


def test_a_file_that_is_not_there_or_no_path_is_named(folder: Path) -> None:
    missing = entry().replace("ink.saf", "nowhere.saf")
    (fault,) = faults(folder, missing)
    assert fault.endswith("nowhere.safetensors cannot be read: No such file or directory.")
    (fault,) = faults(folder, entry().replace("ink.saf", "a\\u0000b.saf"))
    assert fault.endswith("cannot be read: it is no path.")


def test_all_faults_are_told_at_once(folder: Path) -> None:
    text = entry("colour = 1\nmax_weight = 9") + entry("shape = 2", name="other")
    assert len(faults(folder, text)) == 3


def test_a_registry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryFault, match=r"nowhere\.toml cannot be read: No such file"):
        offered_loras(tmp_path / "nowhere.toml", "sdxl")
    (said,) = faults(tmp_path, "[ink")
    assert said.startswith(" is not TOML: ")
    (tmp_path / "latin.toml").write_bytes(b"# \xe4")
    with pytest.raises(RegistryFault, match="is not TOML"):
        offered_loras(tmp_path / "latin.toml", "sdxl")


def test_a_worker_does_not_start_with_a_registry_that_cannot_be_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = write(folder, entry(sha="0" * 64))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo-emberframe")
    monkeypatch.setenv("EMBERFRAME_LORAS", str(registry))
    # Emulators want no credentials, and nothing is asked of them here.
    for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.setenv(name, "127.0.0.1:8080")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9199")
    monkeypatch.setattr("sys.argv", ["gpu_worker", "pull"])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{registry}: [ink] sha256 is {'0' * 64}, but that of ")
    assert said.count("\n") == 1


def test_reading_a_registry_imports_neither_torch_nor_the_hub(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from gpu_worker.lora_registry import offered_loras;"
        "offered_loras(Path(sys.argv[1]), 'sdxl');"
        "print([m for m in ('torch', 'diffusers', 'peft', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, write(folder, entry())],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
