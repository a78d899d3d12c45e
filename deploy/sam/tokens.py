"""``token``: an ID token of somebody who may use the local cloud, for programs that call it."""

from typing import Annotated, Any

import requests
import typer
from rich.console import Console

from deploy.local.identity.people import EVERY_ORG, OWN_ORG, LocalPerson, create, sign_in
from deploy.sam.frame import AnswerModel, Cli, CouldNot, command
from deploy.sam.words import known_org

MINUTES = 60
"""For which a token holds."""


class TokenAnswer(AnswerModel):
    """The token, which is sent as ``Authorization: Bearer TOKEN``, and whose it is; ``orgId`` is
    null for a role for every org. It holds for an hour."""

    token: str
    email: str
    role: str
    org_id: str | None
    minutes: int

    def show(self, out: Console) -> None:
        """The token alone, to be used in a shell."""
        out.print(self.token, soft_wrap=True, markup=False)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "token", TokenAnswer, example="--org org_harbor")(token)


def token(
    cli: Cli,
    *,
    role: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(EVERY_ORG)} for every org; {', '.join(OWN_ORG)} of --org."),
    ] = None,
    org: Annotated[str | None, typer.Option(metavar="ORG", help="Somebody of this org.")] = None,
) -> TokenAnswer:
    """Print an ID token of somebody of the local cloud, for programs that call its functions."""
    stack = cli.target.local
    wanted = role or (OWN_ORG[0] if org else EVERY_ORG[0])
    org_id = known_org(cli, org) if org and wanted in OWN_ORG else None
    if wanted not in (*EVERY_ORG, *OWN_ORG):
        raise CouldNot(f"there is no role {wanted}: {', '.join((*EVERY_ORG, *OWN_ORG))}")
    person = _person(stack, wanted, org_id)
    try:
        found = sign_in(str(stack["auth"]), person.email, person.password)
    except requests.RequestException as error:
        raise CouldNot(f"the local identity service refuses: {type(error).__name__}") from None
    return TokenAnswer(
        token=found, email=person.email, role=wanted, org_id=person.org_id, minutes=MINUTES
    )


def _person(stack: Any, role: str, org_id: str | None) -> LocalPerson:
    """One of those whom the local cloud has, of any org where none is named; where it has none of
    an org, a new one."""
    for each in stack["people"]:
        if each["role"] == role and org_id in (None, each.get("orgId")):
            return LocalPerson(each["email"], each["password"], role, each.get("orgId"))
    if role in OWN_ORG and org_id is None:
        raise CouldNot(f"{role} is a role at an org: name it with --org")
    password = str(stack["people"][0]["password"])
    name = f"{role}@{org_id}.example.com".replace("_", ".")
    person = LocalPerson(name, password, role, org_id)
    try:
        create(str(stack["auth"]), str(stack["project"]), [person])
    except requests.HTTPError:
        return person  # somebody has made the account before
    return person
