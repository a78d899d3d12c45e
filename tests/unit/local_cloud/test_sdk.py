"""Finding Java and the emulators."""

from pathlib import Path

import pytest

from deploy.local import sdk


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no Java, no gcloud, no SDK but the one under this folder."""
    monkeypatch.setattr(sdk, "PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(tmp_path / "sdk"))
    return tmp_path


def add(path: Path, *, executable: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755 if executable else 0o644)
    return path


def test_all_parts_are_found(root: Path) -> None:
    # Given
    java = add(root / "bin" / "java", executable=True)
    firestore = add(root / "sdk" / sdk.FIRESTORE_JAR)
    pubsub = add(root / "sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.20-all.jar")
    # Then
    assert sdk.find() == sdk.Sdk(java, firestore, pubsub)


def test_the_java_of_java_home_comes_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    add(root / "bin" / "java", executable=True)
    mine = add(root / "jdk" / "bin" / "java", executable=True)
    add(root / "sdk" / sdk.FIRESTORE_JAR)
    add(root / "sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-1-all.jar")
    # When
    monkeypatch.setenv("JAVA_HOME", str(root / "jdk"))
    # Then
    assert sdk.find().java == mine


def test_what_is_missing_is_named_as_the_set_up_knows_it(root: Path) -> None:
    # Given
    add(root / "sdk" / sdk.FIRESTORE_JAR)
    # Then
    with pytest.raises(sdk.NotInstalled, match=r"^java pubsub-emulator$"):
        sdk.find()
