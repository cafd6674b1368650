"""A Terraform provider that knows its schema and nothing else: `python -m …schema_provider NAME`.

`terraform validate` asks a provider for its schema and checks names, types, what is needed and what
refers to what by itself; `terraform plan` evaluates everything. The real providers are fetched from
Terraform's registry, which tests do not reach; this one serves what tools/provider_schema.py wrote
into schemas/. It speaks version 6 of the plugins' protocol over gRPC, as far as these two go.
Whether a *value* is right, which a real provider is asked, it does not know and lets pass; what
Google would fill in (an address, an e-mail) is planned as `type:name:attribute`, so that a plan
shows who gets what.
"""

import base64
import datetime as dt
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgpack
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCHEMAS = Path(__file__).parent / "schemas"
PROTOCOL = 6
NESTING = {"single": 1, "list": 2, "set": 3}
#: The methods that answer nothing when all is well.
SILENT = (
    "ValidateProviderConfig", "ValidateResourceConfig", "ValidateDataResourceConfig",
    "ConfigureProvider", "StopProvider",
)  # fmt: skip
#: What tells a resource from others of its type, whichever of these it has.
NAMING = (
    "account_id", "role_id", "name", "bucket_id", "parameter_id", "secret_id", "repository_id",
    "service", "workload_identity_pool_provider_id", "workload_identity_pool_id", "display_name",
    "project",
)  # fmt: skip


def number(field: int, value: int) -> bytes:
    """A varint field of a protobuf message."""
    return _varint(field << 3) + _varint(value) if value else b""


def piece(field: int, content: bytes) -> bytes:
    """A field of bytes, text or another message."""
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def schema_message(block: dict[str, Any]) -> bytes:
    return piece(2, _block_message(block))


def _block_message(block: dict[str, Any]) -> bytes:
    return b"".join([
        *(piece(2, _attribute(name, it)) for name, it in block["attributes"].items()),
        *(piece(3, _nested(name, it)) for name, it in block["blocks"].items()),
    ])  # fmt: skip


def _attribute(name: str, attribute: dict[str, Any]) -> bytes:
    return b"".join([
        piece(1, name.encode()),
        piece(2, json.dumps(attribute["type"]).encode()),
        number(4, attribute.get("required", False)),
        number(5, attribute.get("optional", False)),
        number(6, attribute.get("computed", False)),
    ])  # fmt: skip


def _nested(name: str, nested: dict[str, Any]) -> bytes:
    return b"".join([
        piece(1, name.encode()),
        piece(2, _block_message(nested["block"])),
        number(3, NESTING[nested["nesting"]]),
        number(4, nested["min"]),
        number(5, nested["max"]),
    ])  # fmt: skip


def answer(schema: dict[str, Any]) -> bytes:
    """GetProviderSchema's."""

    def entries(field: int, blocks: dict[str, Any]) -> Iterator[bytes]:
        for name, block in blocks.items():
            yield piece(field, piece(1, name.encode()) + piece(2, schema_message(block)))

    return b"".join([
        piece(1, schema_message(schema["provider"])),
        *entries(2, schema["resources"]),
        *entries(3, schema["data_sources"]),
    ])  # fmt: skip


def read_pieces(message: bytes) -> dict[int, bytes]:
    """The fields of bytes, text or messages of a protobuf message: number → the last of them."""
    found: dict[int, bytes] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            at, more = at + 1, message[at] & 0x80
            shift += 7
            if not more:
                return value

    while at < len(message):
        tag = varint()
        length = varint()
        if tag & 7 == 2:  # else it was a varint, read already
            found[tag >> 3] = message[at : at + length]
            at += length
    return found


def planned(schema: dict[str, Any], type_name: str, proposed: bytes) -> bytes:
    """A DynamicValue: the object that `proposed`, one too, becomes with all that is computed."""
    wanted = msgpack.unpackb(read_pieces(proposed)[1], strict_map_key=False)
    if wanted is None:  # it is to be removed
        return proposed
    known = (wanted.get(it) for it in NAMING)
    name = next((it for it in known if isinstance(it, str)), "?")
    filled = _filled(schema, wanted, f"{type_name}:{name}")
    return piece(1, msgpack.packb(filled))


def _filled(block: dict[str, Any], wanted: dict[str, Any], who: str) -> dict[str, Any]:
    filled = dict(wanted)
    for name, attribute in block["attributes"].items():
        # What could be left out and was stays so; but an id everything has.
        is_made_up = attribute.get("computed") and (not attribute.get("optional") or name == "id")
        if is_made_up and wanted.get(name) is None:
            filled[name] = _made_up(attribute["type"], f"{who}:{name}")
    for name, nested in block["blocks"].items():
        inner = wanted.get(name)
        if isinstance(inner, list):
            filled[name] = [_filled(nested["block"], it, who) for it in inner]
    return filled


def _made_up(kind: Any, text: str) -> Any:
    """A value of a type as Terraform writes it: "string", ["list", "string"] …"""
    if isinstance(kind, str):
        return {"string": text, "number": 0, "bool": False}[kind]
    return {} if kind[0] == "map" else []


def certificate() -> tuple[bytes, bytes, bytes]:
    """Key and certificate as PEM, and the certificate as DER: Terraform talks TLS to plugins."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        made.public_bytes(serialization.Encoding.PEM),
        made.public_bytes(serialization.Encoding.DER),
    )


def serve(name: str) -> None:
    """Until Terraform says that it is done."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    done = threading.Event()

    def method(content: bytes) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: content)

    def plan(request: bytes, _context: Any) -> bytes:
        asked = read_pieces(request)
        type_name = asked[1].decode()
        return piece(1, planned(schema["resources"][type_name], type_name, asked[3]))

    def read(request: bytes, _context: Any) -> bytes:
        asked = read_pieces(request)
        type_name = asked[1].decode()
        return piece(1, planned(schema["data_sources"][type_name], type_name, asked[2]))

    def shut_down(_request: bytes, _context: Any) -> bytes:
        done.set()
        return b""

    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler(
            "tfplugin6.Provider",
            {
                "GetProviderSchema": method(answer(schema)),
                "PlanResourceChange": grpc.unary_unary_rpc_method_handler(plan),
                "ReadDataSource": grpc.unary_unary_rpc_method_handler(read),
                **{it: method(b"") for it in SILENT},
            },
        ),
        grpc.method_handlers_generic_handler(
            "plugin.GRPCController", {"Shutdown": grpc.unary_unary_rpc_method_handler(shut_down)}
        ),
    ))  # fmt: skip
    key, pem, der = certificate()
    credentials = grpc.ssl_server_credentials([(key, pem)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    public = base64.b64encode(der).decode().rstrip("=")
    print(f"1|{PROTOCOL}|tcp|127.0.0.1:{port}|grpc|{public}", flush=True)
    done.wait()
    server.stop(1).wait()


if __name__ == "__main__":
    serve(sys.argv[1])
