"""What must be there before anything is deployed; each that is not is told with what to type."""

import json

from deploy.release import commands
from deploy.release.commands import Target
from deploy.release.shell import Command, CommandFailed, ReleaseFailed, Shell

TERRAFORM_AT_LEAST = (1, 9)
WHERE = {
    "terraform": "https://developer.hashicorp.com/terraform/install",
    "gcloud": "https://cloud.google.com/sdk/docs/install",
    "curl": "https://curl.se/download.html",
}


def check(shell: Shell, target: Target) -> None:
    """Tools, sign-in, project, billing and state. Raises ReleaseFailed for the first that is not
    as it must be."""
    check_tools(shell)
    check_sign_in(shell)
    _check_project(shell, target)
    _require(
        shell,
        commands.bucket_name(target),
        f"Terraform's state has no bucket yet:\n"
        f"    gcloud storage buckets create gs://{target.state_bucket} --project={target.project}"
        f" --location={target.region} --uniform-bucket-level-access"
        f" --public-access-prevention\n"
        f"    gcloud storage buckets update gs://{target.state_bucket} --versioning",
    )


def check_tools(shell: Shell) -> None:
    """Raises ReleaseFailed where a program is missing or too old."""
    if missing := shell.missing(tuple(WHERE)):
        raise ReleaseFailed(
            "\n".join(f"{each} is not installed: {WHERE[each]}" for each in missing)
        )
    version = json.loads(shell.ask(commands.terraform_version()))["terraform_version"]
    if tuple(int(part) for part in version.split(".")[:2]) < TERRAFORM_AT_LEAST:
        wanted = ".".join(map(str, TERRAFORM_AT_LEAST))
        raise ReleaseFailed(f"Terraform {version} is too old, {wanted} is needed.")


def check_sign_in(shell: Shell) -> None:
    """Raises ReleaseFailed where nobody is signed in."""
    _require(shell, commands.active_account(), "gcloud is not signed in:\n    gcloud auth login")
    _require(
        shell,
        commands.default_credentials(),
        "Terraform has no credentials:\n    gcloud auth application-default login",
    )


def _check_project(shell: Shell, target: Target) -> None:
    state = _require(
        shell,
        commands.project_state(target),
        f"Project {target.project} cannot be read: it does not exist, or your account has no role"
        " there.",
    )
    if state != "ACTIVE":
        raise ReleaseFailed(f"Project {target.project} is not active: {state}")
    try:
        billed = shell.ask(commands.billing(target))
    except CommandFailed:
        return  # who may deploy need not be allowed to see the billing
    if billed == "False":
        raise ReleaseFailed(
            f"Project {target.project} has no billing account:\n"
            f"    gcloud billing projects link {target.project} --billing-account=ACCOUNT"
        )


def _require(shell: Shell, command: Command, otherwise: str) -> str:
    """What the command prints. Raises ReleaseFailed where it fails or prints nothing."""
    try:
        found = shell.ask(command)
    except CommandFailed as error:
        raise ReleaseFailed("\n".join(filter(None, (otherwise, error.stderr)))) from None
    if not found:
        raise ReleaseFailed(otherwise)
    return found
