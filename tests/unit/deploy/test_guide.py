"""The guides are complete: docs/deploy.md has Terraform's settings, docs/operations.md error codes
and commands."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import shared
from deploy.release import commands
from deploy.release.commands import TERRAFORM, Target
from deploy.release.deployment import GROUNDWORK
from deploy.sam.app import COMMANDS
from shared.errors import SyncSamError

GUIDE = Path(__file__).parents[3] / "docs" / "deploy.md"
OPERATIONS = GUIDE.with_name("operations.md")
ROW = re.compile(r"^\| `(\w+)` \| (org|provider|us|caller) \| .{5,} \|$", re.MULTILINE)

TASKS = OPERATIONS.read_text()
TEXT = "\n".join(path.read_text() for path in sorted(TERRAFORM.glob("*.tf")))


def errors_below(kind: type[SyncSamError]) -> Iterator[type[SyncSamError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("shared."):
            yield from errors_below(each)


def test_the_operators_find_every_code_with_its_owner_and_no_other() -> None:
    # Given
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)
    known = {(error.code, error.owner.value) for error in errors_below(SyncSamError)}
    # When
    told = ROW.findall(OPERATIONS.read_text())
    # Then
    assert sorted(told) == sorted(known)


def test_the_operators_find_every_command_and_no_other() -> None:
    told = {" ".join(words.split()[1:3]) for words in re.findall(r"`(sync-sam [^`]+)`", TASKS)}
    named = {words if words in COMMANDS else words.split()[0] for words in told}
    assert named - {"schema", "--install-completion"} == COMMANDS.keys()


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return GUIDE.read_text().partition(f"# {title}\n")[2].partition("\n#")[0]


def names_in_table(text: str) -> set[str]:
    """What is set in type in the first column."""
    cells = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_the_guide_has_every_setting_of_terraform() -> None:
    declared = set(re.findall(r'^variable "(\w+)"', TEXT, re.MULTILINE))
    assert names_in_table(section("The project's own file")) == declared - {"project"}


def test_terraform_knows_what_it_is_given() -> None:
    planned = commands.plan(Target(project="harbor-prod", region="us-east1"), "a.zip").argv
    given = {each.partition("=")[2].partition("=")[0] for each in planned if "-var=" in each}
    assert given == {"project", "region", "database", "source_object"}
    assert given <= set(re.findall(r'^variable "(\w+)"', TEXT, re.MULTILINE))
    assert 'backend "gcs"' in TEXT


def test_what_is_made_before_the_functions_is_in_the_configuration() -> None:
    made = set(re.findall(r'^resource "(\w+)"', TEXT, re.MULTILINE))
    assert set(GROUNDWORK) <= made
