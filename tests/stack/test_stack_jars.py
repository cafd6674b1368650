"""Jars that Java can read, however long the path in their manifest is."""

import zipfile
from pathlib import Path

from tools.stack.jars import write_launcher_jar


def test_a_long_class_path_is_folded_into_lines_that_java_accepts(tmp_path: Path) -> None:
    library = tmp_path / ("deep" * 30) / "library.jar"
    write_launcher_jar(tmp_path / "launcher.jar", main_class="a.Main", class_path=library)
    with zipfile.ZipFile(tmp_path / "launcher.jar") as jar:
        manifest = jar.read("META-INF/MANIFEST.MF")
    lines = manifest.split(b"\r\n")
    assert max(map(len, lines)) <= 72
    unfolded = manifest.replace(b"\r\n ", b"").decode()
    assert f"Class-Path: {library.as_uri()}\r\n" in unfolded


def test_classes_are_packed_under_their_packages(tmp_path: Path) -> None:
    compiled = tmp_path / "classes" / "a" / "b" / "Main.class"
    compiled.parent.mkdir(parents=True)
    compiled.write_bytes(b"\xca\xfe\xba\xbe")
    write_launcher_jar(
        tmp_path / "app.jar",
        main_class="a.b.Main",
        class_path=tmp_path / "library.jar",
        classes=tmp_path / "classes",
    )
    with zipfile.ZipFile(tmp_path / "app.jar") as jar:
        assert jar.read("a/b/Main.class") == b"\xca\xfe\xba\xbe"
