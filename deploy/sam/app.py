"""All commands together."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from deploy.sam import (
    accounts,
    audit,
    connecting,
    doctor,
    ecom,
    erasing,
    failures,
    loyalty,
    orgs,
    removals,
    runs,
    syncs,
    tail,
    tokens,
    verifying,
    webhook,
    why,
)
from deploy.sam.frame import COMMANDS, COULD_NOT, CouldNot, schema_of

__all__ = ["COMMANDS", "app", "main"]

app = typer.Typer(
    name="sync-sam",
    help="Runs Sync Sam: the local cloud of this folder, or with --project a project of Google's."
    " Exit codes: 0 done, 1 done with failures or differences, 2 could not.",
    epilog="Example: sync-sam orgs --failing",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: sync-sam schema orgs")
def schema(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND", help="The command's words.")],
) -> None:
    """Print the JSON schema of what a command answers with --json."""
    try:
        typer.echo(json.dumps(schema_of(words), indent=2))
    except CouldNot as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(COULD_NOT) from None


GROUPS = (
    *(orgs, connecting, accounts, syncs, runs, verifying, why),
    *(removals, failures, audit, loyalty, webhook, ecom, erasing, tokens, tail, doctor),
)
for module in GROUPS:
    module.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command as the shell does; its exit code."""
    try:
        app(arguments, prog_name="sync-sam")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else COULD_NOT
    return 0
