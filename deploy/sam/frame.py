"""What all commands have: where they work, how they answer, and how they end.

A command is a function from its arguments, after a ``Cli``, to an answer. The answer is shown to
people, or printed as JSON with ``--json``; everything else (progress, questions, errors) goes to
standard error. Exit codes:

    0   done
    1   done, and the answer tells of failures or differences
    2   could not: the message says what is wrong and whose turn it is
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Protocol, TypeVar

import typer
from google.api_core.exceptions import (
    Forbidden,
    GoogleAPICallError,
    RetryError,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from deploy.manifest import DEFAULT_DATABASE
from deploy.sam.target import CommandTarget, find_target
from shared import log
from shared.errors import Owner, RateLimited, SyncSamError
from shared.services.runs.failure import TURN
from shared.store.database import Conflict, TimedOut

DONE, DIFFERS, COULD_NOT = 0, 1, 2
SIGN_IN = "`gcloud auth application-default login`"
CALLER = "It is your turn."
WIDE = 200
"""Characters of a line in a file or a pipe."""
KEYWORD = inspect.Parameter.KEYWORD_ONLY

Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="P",
        help="A project of Google's. Without it: the local cloud of this folder.",
    ),
]
DatabaseName = Annotated[
    str, typer.Option("--database", metavar="D", help="Its database, after a restore.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

OrgArgument = Annotated[str, typer.Argument(metavar="ORG", help="Id of the org.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]


class CouldNot(SyncSamError):
    """What was asked for cannot be done as it was asked for. ``turn``: whose it is."""

    code = "could_not"
    owner = Owner.CALLER

    def __init__(self, message: str, *, turn: Owner = Owner.CALLER) -> None:
        super().__init__(message)
        self.turn = turn


class CommandAnswer(Protocol):
    """What a command answers with: a frozen pydantic model."""

    @property
    def exit_code(self) -> int:
        """DONE or DIFFERS."""

    def show(self, out: Console) -> None:
        """Show it to people."""

    def model_dump_json(self, *, by_alias: bool, indent: int) -> str:
        """As JSON."""

    @classmethod
    def model_json_schema(cls, by_alias: bool = True) -> dict[str, Any]:
        """Its JSON schema."""


class Shown:
    """Base of answers that are done once they are given."""

    @property
    def exit_code(self) -> int:
        """See CommandAnswer."""
        return DONE


class AnswerModel(Shown, BaseModel):
    """Base of answers and of their parts. JSON has every field, null where there is nothing."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class CommandProblem(AnswerModel):
    """Why a command could not: ``owner`` says whose turn it is."""

    code: str
    owner: str
    message: str


class ProblemAnswer(AnswerModel):
    """What is printed with ``--json`` where a command could not."""

    error: CommandProblem


@dataclass(frozen=True)
class Cli:
    """What a command works with."""

    project: str | None = None
    database_name: str = DEFAULT_DATABASE
    as_json: bool = False
    errors: Console = field(
        default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True)
    )

    @cached_property
    def target(self) -> CommandTarget:
        """Where the command works. Raises NoTarget."""
        return find_target(self.project, self.database_name)

    def say(self, text: str) -> None:
        """Tell people something on the way to the answer."""
        self.errors.print(text, markup=False)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask whether to go on. Raises CouldNot for a no, and where nobody can be asked."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise CouldNot(f"{question} Nobody can be asked here: say so with --yes")
        if not typer.confirm(question, err=True):
            raise CouldNot("nothing was done, as you said no")

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that something lasts, and with the function that is given, how far it is."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        shown = self.errors.is_terminal
        with Progress(*columns, console=self.errors, transient=True, disable=not shown) as progress:
            task = progress.add_task(what, total=None)
            yield lambda text: progress.update(task, description=text)


def output() -> Console:
    """Where answers are shown. What is not a terminal has long lines."""
    wide = None if sys.stdout.isatty() else WIDE
    return Console(highlight=False, width=wide)


@dataclass(frozen=True)
class RegisteredCommand:
    """A command as it was registered."""

    path: tuple[str, ...]
    answer: type[CommandAnswer]
    example: str


COMMANDS: dict[str, RegisteredCommand] = {}
"""All commands, by their words."""

A = TypeVar("A", bound=Callable[..., CommandAnswer | None])


def command(
    group: typer.Typer, name: str, answer: type[CommandAnswer], *, example: str, below: str = ""
) -> Callable[[A], A]:
    """Register a command. Its first parameter is the Cli; the others are typer's, and the options
    of all commands come behind them. One that returns None has printed its answers itself, each
    as a line of JSON. ``example`` ends its help; ``below`` is the group's own name."""
    path = (*below.split(), name)

    def register(function: A) -> A:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            inspect.Parameter(
                each, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
            )
            for each, default, kind in (
                ("project", None, Project),
                ("database_name", DEFAULT_DATABASE, DatabaseName),
                ("as_json", False, AsJson),
            )
        ]

        def run(**given: Any) -> None:
            cli = Cli(given.pop("project"), given.pop("database_name"), given.pop("as_json"))
            raise typer.Exit(_run(cli, lambda: function(cli, **given)))

        keyword = [each.replace(kind=KEYWORD) for each in own]
        vars(run)["__signature__"] = inspect.Signature([*keyword, *shared])  # typer reads it
        run.__annotations__ = {each.name: each.annotation for each in (*own, *shared)}
        epilog = f"Example: sync-sam {' '.join(path)} {example}".rstrip()
        group.command(name, epilog=epilog, help=inspect.getdoc(function))(run)
        COMMANDS[" ".join(path)] = RegisteredCommand(path, answer, example)
        return function

    return register


def _run(cli: Cli, work: Callable[[], CommandAnswer | None]) -> int:
    """Do the work, show its answer; the exit code."""
    log.configure("CRITICAL")  # failures are told as answers, not as lines of a log
    try:
        answer = work()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except SyncSamError as error:
        return _fail(cli, _problem(error))
    except (KeyboardInterrupt, Exception) as error:
        told = _foreseen(error)
        if told is None:
            if not cli.as_json:
                cli.errors.print_exception()
            said = f"that was not foreseen: {type(error).__name__}: {error}"
            told = CouldNot(said, turn=Owner.US)
        return _fail(cli, _problem(told))
    if answer is None:
        return DONE
    if cli.as_json:
        typer.echo(answer.model_dump_json(by_alias=True, indent=2))
    else:
        answer.show(output())
    return answer.exit_code


def _foreseen(error: BaseException) -> CouldNot | None:
    """What is told of an error that is none of ours; None of one that nobody has thought of."""
    match error:
        case KeyboardInterrupt():
            return CouldNot("interrupted: what is done stays")
        case RefreshError():
            return CouldNot(f"the sign-in at Google has expired or is refused: {SIGN_IN}")
        case TransportError():
            return CouldNot("Google's sign-in cannot be reached: see that there is a network")
        case GoogleAuthError():
            return CouldNot(f"nobody is signed in at Google: {SIGN_IN}")
        case RetryError() if "metadata from plugin" in str(error.cause):  # gRPC's word for tokens
            return CouldNot(f"the sign-in at Google does not work: {SIGN_IN}")
        case RetryError() if error.cause:
            return CouldNot(f"Google's cloud does not answer: {error.cause}", turn=Owner.US)
        case Forbidden() | Unauthorized():
            told = error.message.rstrip(".")
            return CouldNot(f"Google does not let you: {told}. docs/operations.md names the roles")
        case GoogleAPICallError() | RetryError() | Conflict() | TimedOut():
            told = f"{type(error).__name__}: {getattr(error, 'message', None) or error}"
            return CouldNot(f"Google's cloud refuses: {told}", turn=Owner.US)
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return CouldNot(f"{where}{error.strerror or error}")
    return None


def _problem(error: SyncSamError) -> CommandProblem:
    said = str(error).rstrip(".")
    first = said.partition(" ")[0]
    if first.isalpha() and first.islower():  # an id stays as it is
        said = said[:1].upper() + said[1:]
    if isinstance(error, RateLimited):
        minutes = -(-error.retry_after // 60)
        said = f"{said}. Try again in {minutes} minute{'s' if minutes > 1 else ''}"
    owner = error.turn if isinstance(error, CouldNot) else error.owner
    turn = TURN.get(owner, CALLER)
    message = f"{said}." if turn in said else f"{said}. {turn}"
    return CommandProblem(code=error.code, owner=owner.value, message=message)


def _fail(cli: Cli, problem: CommandProblem) -> int:
    if cli.as_json:
        typer.echo(ProblemAnswer(error=problem).model_dump_json(by_alias=True, indent=2))
    else:
        cli.errors.print(problem.message, style="red", markup=False)
    return COULD_NOT


def schema_of(words: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of a command's answer. Raises CouldNot for a command that there is not."""
    found = COMMANDS.get(" ".join(words))
    if found is None:
        raise CouldNot(f"there is no command {' '.join(words)}: {', '.join(sorted(COMMANDS))}")
    return found.answer.model_json_schema(by_alias=True)
