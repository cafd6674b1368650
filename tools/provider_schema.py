"""Terraform providers' schemas out of packages: `python -m tools.provider_schema PACKAGE…`.

A provider itself cannot be fetched from a package registry, but CDK for Terraform publishes classes
that were generated from each provider's schema (`npm pack @cdktf/provider-google`). Names, types
and what is needed are read back from them, for the kinds of resources that infra/ uses only; no
text is. What classes do not say is taken generously: an optional attribute counts as computed too,
and of blocks that may repeat no bound is known.
"""

import argparse
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
INFRA = REPOSITORY / "infra"
SCHEMAS = REPOSITORY / "tests/unit/infra/schemas"
#: Words of the classes → Terraform's type, as its plugins' protocol writes it.
SIMPLE = {"string": "string", "number": "number", "boolean": "bool"}
GETTERS = {
    "StringAttribute": "string",
    "NumberAttribute": "number",
    "BooleanAttribute": "bool",
    "ListAttribute": ["list", "string"],
    "StringMapAttribute": ["map", "string"],
    "StringMap": ["map", "string"],
}
_CLASS = re.compile(r"\nclass (\w+) extends cdktf\.(\w+) \{\n(.*?)\n\}", re.DOTALL)
_FUNCTION = re.compile(r"\nfunction (\w+)ToHclTerraform\(struct\) \{\n(.*?)\n\}", re.DOTALL)
_SETTABLE = re.compile(
    r"^ +(\w+): \{\n +value: .*\n +isBlock: (true|false),\n +type: \"(\w+)\",\n"
    r" +storageClassType: \"(\w+)\",",
    re.MULTILINE,
)
_NESTED = re.compile(r"new (\w+?)(List|OutputReference|Map)\(this, \"(\w+)\"(?:, (true|false))?\)")
_READ = re.compile(r"this\.get(\w+)\(['\"](\w+)['\"]\)|new cdktf\.(StringMap)\(this, \"(\w+)\"\)")
_USED = re.compile(r'^(resource|data) "(\w+)" "\w+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


class ProviderPackage:
    """The classes of one provider, as its npm package has them."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as package:
            self._files = {
                member.name.removeprefix("package/"): self._text(package, member)
                for member in package
                if member.name.endswith(("/index.js", "package.json"))
            }
        about = json.loads(self._files["package.json"])
        #: registry.terraform.io/hashicorp/google
        self.source: str = about["cdktf"]["provider"]["name"]
        self.version: str = about["cdktf"]["provider"]["version"]

    @property
    def name(self) -> str:
        return self.source.rpartition("/")[2]

    def schema(self, used: list[tuple[str, str]]) -> dict[str, Any]:
        """Of the provider itself and of the `used` kinds: ("resource" or "data", type)."""
        kinds: dict[str, dict[str, Any]] = {"resource": {}, "data": {}}
        for kind, name in used:
            prefix = self.name.replace("-beta", "") + "_"
            folder = name.removeprefix(prefix).replace("_", "-")
            folder = f"data-{prefix[:-1]}-{folder}" if kind == "data" else folder
            # Where a type's name would be a folder of another package, it keeps the prefix.
            places = (f"lib/{folder}/index.js", f"lib/{prefix[:-1]}-{folder}/index.js")
            found = [place for place in places if place in self._files]
            if not found:
                raise SystemExit(f"{self.source} {self.version} has no {kind} called {name}")
            kinds[kind][name] = _block_of(self._files[found[0]])
        return {
            "source": self.source,
            "version": self.version,
            "provider": _block_of(self._files["lib/provider/index.js"]),
            "resources": kinds["resource"],
            "data_sources": kinds["data"],
        }

    @staticmethod
    def _text(package: tarfile.TarFile, member: tarfile.TarInfo) -> str:
        file = package.extractfile(member)
        return file.read().decode() if file else ""


def used_kinds(folder: Path = INFRA) -> Iterator[tuple[str, str, str]]:
    """(name of the provider, "resource" or "data", type) of every block in `folder`."""
    for file in sorted(folder.glob("*.tf")):
        for kind, name, body in _USED.findall(file.read_text()):
            chosen = re.search(r"^  provider\s*=\s*([\w-]+)", body, re.MULTILINE)
            yield chosen[1] if chosen else name.partition("_")[0], kind, name


def _block_of(text: str) -> dict[str, Any]:
    """The block of the resource, data source or provider whose classes are in `text`."""
    classes = {name: body for name, _, body in _CLASS.findall(text)}
    functions = dict(_FUNCTION.findall(text))
    (top,) = (name for name, base, _ in _CLASS.findall(text) if base.startswith("Terraform"))
    return _block(top, classes, functions, is_top=True)


def _block(
    name: str, classes: dict[str, str], functions: dict[str, str], *, is_top: bool = False
) -> dict[str, Any]:
    body = classes.get(name if is_top else f"{name}OutputReference", "")
    # Functions begin with a small letter where classes begin with a big one.
    source = body if is_top else functions.get(name[0].lower() + name[1:], "")
    nested = {it[2]: it for it in _NESTED.findall(body)}
    attributes: dict[str, Any] = {}
    blocks: dict[str, Any] = {}
    for settable, is_block, shape, storage in _SETTABLE.findall(source):
        optional = _may_be_reset(settable, body) or "TerraformProvider" in body or not body
        if is_block == "true" and settable in nested:
            struct, form, _, is_set = nested[settable]
            repeats = form == "List"
            single = shape == "struct" and settable == "timeouts"
            blocks[settable] = {
                "nesting": "single" if single else "set" if is_set == "true" else "list",
                "min": 0 if optional or single else 1,
                "max": 0 if repeats or single else 1,
                "block": _block(struct, classes, functions),
            }
            continue
        attributes[settable] = {
            "type": _type(shape, storage),
            **({"optional": True, "computed": True} if optional else {"required": True}),
        }
    for getter, read, plain_map, mapped in _READ.findall(body):
        known = read or mapped
        if known not in attributes and known not in blocks and (getter or plain_map) in GETTERS:
            attributes[known] = {"type": GETTERS[getter or plain_map], "computed": True}
    for known, (struct, _, _, _) in nested.items():
        if known not in blocks and known not in attributes:
            inner = _block(struct, classes, functions)
            attributes[known] = {
                "type": ["list", ["object", _object(inner)]],
                "computed": True,
            }
    return {"attributes": attributes, "blocks": blocks}


def _object(block: dict[str, Any]) -> dict[str, Any]:
    return {name: it["type"] for name, it in block["attributes"].items()}


def _may_be_reset(name: str, body: str) -> bool:
    # The classes write `md5hash` as `Md5Hash`.
    return f"reset{name.replace('_', '')}()" in body.lower()


def _type(shape: str, storage: str) -> Any:
    if shape == "simple":
        return SIMPLE[storage]
    inner = SIMPLE.get(re.sub("(List|Map)$", "", storage), "string")
    return [shape if shape in ("list", "set", "map") else "list", inner]


def _text_of(schema: dict[str, Any]) -> str:
    """JSON with a line for each kind, so that a change of one is a change of its line."""

    def line(value: Any) -> str:
        return json.dumps(value, sort_keys=True)

    parts = []
    for key, value in schema.items():
        if key in ("resources", "data_sources") and value:
            kinds = ",\n".join(f"{line(name)}: {line(value[name])}" for name in sorted(value))
            parts.append(f"{line(key)}: {{\n{kinds}\n}}")
        else:
            parts.append(f"{line(key)}: {line(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.provider_schema", description=__doc__)
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE.tgz")
    arguments = parser.parse_args()
    used = sorted(set(used_kinds()))
    for package in map(ProviderPackage, arguments.packages):
        kinds = [(kind, name) for provider, kind, name in used if provider == package.name]
        schema = package.schema(kinds)
        file = SCHEMAS / f"{package.name}.json"
        file.write_text(_text_of(schema))
        print(f"{file}: {package.source} {package.version}, {len(kinds)} kinds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
