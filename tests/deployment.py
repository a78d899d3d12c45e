"""The archive that a deployment uploads: what .gcloudignore lets through."""

import os
import zipfile
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


def write_archive(target: Path) -> None:
    """Write the archive to this file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in deployed_files():
            archive.write(ROOT / path, path)


def _files(root: Path) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in NOT_LOOKED_INTO]
        found += [(Path(folder) / name).relative_to(root).as_posix() for name in files]
    return found
