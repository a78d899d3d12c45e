"""The archive that a deployment uploads: what .gcloudignore lets through."""

import os
import shutil
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[1]
IGNORE_FILE = ROOT / ".gcloudignore"
NOT_LOOKED_INTO = {".git", ".venv", ".local", "__pycache__"}
"""Folders that hold nothing which could be let through, and thousands of files."""


def deployed_files(root: Path = ROOT) -> list[str]:
    """Paths below ``root`` of the files that are uploaded, sorted."""
    spec = GitIgnoreSpec.from_lines(IGNORE_FILE.read_text().splitlines())
    return sorted(path for path in _files(root) if not spec.match_file(path))


def unpack_archive(folder: Path) -> None:
    """What is in this folder once the archive is unpacked there."""
    for path in deployed_files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)


def _files(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_LOOKED_INTO]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files]
    return found
