"""How the answers of several commands put things."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich import box
from rich.table import Table
from rich.text import Text

from deploy.sam.frame import Cli, CouldNot
from shared.domain.wording import counted
from shared.errors import Owner
from shared.services.runs.failure import TURN
from shared.store.locations import OrgDirectory


def known_org(cli: Cli, org: str) -> str:
    """The id of the org as stored, by any spelling. Raises CouldNot for one that there is not."""
    found = OrgDirectory(cli.target.store)(org)
    if found is None:
        raise CouldNot(
            f"there is no org {org} in {cli.target.name}: `sync-sam orgs` lists them,"
            " `sync-sam connect` adds one"
        )
    return found


def moment(at: datetime | None) -> str:
    """A time as people read it, in the time zone of this machine."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}" if at else "never"


def ago(at: datetime | None) -> str:
    """How long ago it was."""
    if at is None:
        return "never"
    minutes = int((datetime.now(UTC) - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    for size, units in ((1440, "days"), (60, "hours"), (1, "minutes")):
        if minutes >= size:
            return f"{counted(minutes // size, units)} ago"
    raise AssertionError("a minute or more has a unit")


def listing(*columns: str, right: Iterable[str] = (), title: str | None = None) -> Table:
    """A table of such columns; figures stand at the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def ok_or_problem(message: str, owner: str, code: str) -> Text:
    """What is wrong, and whose turn it is."""
    turn = TURN.get(Owner(owner), "") if owner in set(Owner) else ""
    told = message if turn in message else f"{message} {turn}"
    return Text(f"{told} [{code}]", style="red")


def dollars(amount: float | None) -> str:
    """An amount of money, negative for a refund."""
    if amount is None:
        return "none"
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"
