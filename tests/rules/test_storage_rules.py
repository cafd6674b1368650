"""The deny matrix of files: role × operation × name, type and size, on the Storage emulator."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.rules.people import Person
from tests.rules.storage_rest import Storage

pytestmark = pytest.mark.stack

As = Callable[[Person | None], Storage]

MEBIBYTE = 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n"
#: The emulator answers a denial with either, by operation.
DENIALS = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


def assert_denied(answer: httpx.Response) -> None:
    assert answer.status_code in DENIALS, f"{answer.status_code} {answer.text[:300]}"


def output_of(storage_as: As, person: Person) -> str:
    """A picture that the server made for `person`."""
    name = f"users/{person.uid}/generations/{uuid4().hex}/1/0.png"
    assert storage_as(None).upload(name, PNG).is_success
    return name


def input_of(person: Person, name: str = "dog.png") -> str:
    return f"users/{person.uid}/inputs/{name}"


class TestOutputs:
    def test_an_owner_downloads_describes_and_lists_their_own(
        self, storage_as: As, owner: Person
    ) -> None:
        name = output_of(storage_as, owner)
        assert storage_as(owner).download(name).content == PNG
        assert storage_as(owner).describe(name).is_success
        listed = storage_as(owner).list(name.rpartition("/")[0] + "/")
        assert [item["name"] for item in listed.json()["items"]] == [name]

    def test_nobody_reads_those_of_others(
        self, storage_as: As, owner: Person, intruder: Person
    ) -> None:
        name = output_of(storage_as, owner)
        assert_denied(storage_as(intruder).download(name))
        assert_denied(storage_as(intruder).describe(name))

    @pytest.mark.parametrize("below", ["generations/", "inputs/", ""])
    def test_nobody_lists_those_of_others(
        self, storage_as: As, owner: Person, intruder: Person, below: str
    ) -> None:
        output_of(storage_as, owner)
        assert_denied(storage_as(intruder).list(f"users/{owner.uid}/{below}"))

    @pytest.mark.parametrize("prefix", ["", "users/"])
    def test_nobody_lists_everybody(self, storage_as: As, owner: Person, prefix: str) -> None:
        assert_denied(storage_as(owner).list(prefix))

    def test_an_owner_neither_writes_nor_changes_nor_deletes_outputs(
        self, storage_as: As, owner: Person
    ) -> None:
        name = output_of(storage_as, owner)
        phone = storage_as(owner)
        assert_denied(phone.upload(name, PNG + b"mine"))
        assert_denied(phone.upload(f"{name}.other", PNG))
        assert_denied(phone.set_content_type(name, "image/jpeg"))
        assert_denied(phone.delete(name))
        assert storage_as(None).download(name).content == PNG


class TestInputs:
    @pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/webp"])
    def test_an_owner_puts_an_image_in_and_reads_it(
        self, storage_as: As, owner: Person, content_type: str
    ) -> None:
        name = input_of(owner)
        answer = storage_as(owner).upload(name, PNG, content_type)
        assert answer.is_success, answer.text
        assert storage_as(owner).download(name).content == PNG

    @pytest.mark.parametrize(
        "content_type",
        [
            "image/svg+xml",
            "image/gif",
            "image/tiff",
            "text/html",
            "application/octet-stream",
            "video/mp4",
            "image/pngx",
            "ximage/png",
            "image/png; charset=utf-8",
        ],
    )
    def test_no_other_type_is_taken(self, storage_as: As, owner: Person, content_type: str) -> None:
        assert_denied(storage_as(owner).upload(input_of(owner), PNG, content_type))

    def test_nobody_puts_anything_in_for_somebody_else(
        self, storage_as: As, owner: Person, intruder: Person
    ) -> None:
        assert_denied(storage_as(intruder).upload(input_of(owner), PNG))

    def test_nobody_reads_the_inputs_of_others(
        self, storage_as: As, owner: Person, intruder: Person
    ) -> None:
        assert storage_as(owner).upload(input_of(owner), PNG).is_success
        assert_denied(storage_as(intruder).download(input_of(owner)))

    def test_an_input_is_never_overwritten_changed_or_deleted(
        self, storage_as: As, owner: Person
    ) -> None:
        name = input_of(owner)
        phone = storage_as(owner)
        assert phone.upload(name, PNG).is_success
        assert_denied(phone.upload(name, PNG + b"other"))
        assert_denied(phone.set_content_type(name, "image/webp"))
        assert_denied(phone.delete(name))
        assert phone.download(name).content == PNG

    def test_20_mebibytes_are_taken_and_a_byte_more_is_not(
        self, storage_as: As, owner: Person
    ) -> None:
        phone = storage_as(owner)
        assert phone.upload(input_of(owner, "largest.png"), bytes(20 * MEBIBYTE)).is_success
        assert_denied(phone.upload(input_of(owner, "larger.png"), bytes(20 * MEBIBYTE + 1)))

    def test_an_empty_file_is_no_image(self, storage_as: As, owner: Person) -> None:
        assert_denied(storage_as(owner).upload(input_of(owner), b""))

    def test_an_input_lies_in_no_folder_of_its_own(self, storage_as: As, owner: Person) -> None:
        assert_denied(storage_as(owner).upload(input_of(owner, "folder/dog.png"), PNG))

    @pytest.mark.parametrize("name", ["..", ".", "..."])
    def test_a_name_of_dots_alone_is_refused(
        self, storage_as: As, owner: Person, name: str
    ) -> None:
        assert_denied(storage_as(owner).upload(input_of(owner, name), PNG))

    @pytest.mark.parametrize("name", [".dog", "..dog.png", "dog..png", "dog.."])
    def test_dots_in_a_name_are_no_reason_to_refuse_it(
        self, storage_as: As, owner: Person, name: str
    ) -> None:
        assert storage_as(owner).upload(input_of(owner, name), PNG).is_success


class TestElsewhere:
    @pytest.mark.parametrize(
        "name", ["users/{uid}/avatar.png", "users/{uid}", "public/a.png", "a.png", "users/a.png"]
    )
    def test_no_other_name_is_anybodys(self, storage_as: As, owner: Person, name: str) -> None:
        theirs = name.format(uid=owner.uid)
        assert_denied(storage_as(owner).upload(theirs, PNG))
        assert storage_as(None).upload(theirs, PNG).is_success
        assert_denied(storage_as(owner).download(theirs))
