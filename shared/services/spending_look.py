"""Looking at customers and their orders: some of them by look-ups, or all of them by scans."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared.domain.duplicates import Contact, persons
from shared.domain.identity import natural
from shared.domain.purchases import Purchases
from shared.services.spending_view import View
from shared.store import customers, members, order_facts, spending
from shared.store.database import Database
from shared.store.members import Member


def look_at(database: Database, org_id: str, customer_ids: Sequence[str]) -> View:
    """A view of some customers, of all who share an e-mail with them, and of all who are, or are
    said to be, one person with them: directly, or through each other."""
    people: dict[str, Member] = {}
    emails: set[str] = set()
    phones: set[str] = set()
    fillers: set[str] = set()
    seen: set[str] = set()
    wanted = set(customer_ids)
    while wanted:
        seen |= wanted
        found = members.members(database, org_id, sorted(wanted, key=natural))
        people |= found
        new_emails = {e for member in found.values() for e in member.emails} - emails
        new_phones = {member.phone for member in found.values() if member.phone} - phones
        emails |= new_emails
        phones |= new_phones
        by_phone, too_common = members.sharing_phones(database, org_id, new_phones)
        fillers |= too_common
        wanted = {i for member in found.values() for i in member.linked} | by_phone
        wanted |= {i for _, i in customers.having(database, org_id, "email", new_emails)}
        wanted -= seen
    email_paths = {email: spending.path(org_id, email) for email in sorted(emails)}
    documents = database.get_all(list(email_paths.values()))
    return View(
        org_id=org_id,
        people=people,
        persons=persons(_contact(member, fillers) for member in people.values()),
        stored={email: documents[path] for email, path in email_paths.items()},
        purchases=_purchases(database, org_id, people, list(people)),
    )


def look_at_all(database: Database, org_id: str) -> View:
    """A view of every customer of the org, by three scans instead of look-ups."""
    people, kept = members.everybody(database, org_id)
    emails = {email for member in people.values() for email in member.emails}
    return View(
        org_id=org_id,
        people=people,
        persons=persons(member.contact for member in people.values()),
        stored={e: kept.get(spending.path(org_id, e), members.MISSING) for e in sorted(emails)},
        purchases=_purchases(database, org_id, people, None),
    )


def _contact(member: Member, fillers: set[str]) -> Contact:
    """How to reach somebody; by a number that is on too many records, nobody can be."""
    phone = None if member.phone in fillers else member.phone
    return Contact(member.id, member.email, phone)


def _purchases(
    database: Database, org_id: str, people: Iterable[str], customer_ids: Sequence[str] | None
) -> dict[str, Purchases]:
    """What everybody in view has bought. Orders are folded as they come in, none is kept."""
    found: defaultdict[str, Purchases] = defaultdict(Purchases)
    for customer_id, order in order_facts.of_customers(database, org_id, customer_ids):
        found[customer_id].add(order)
    return {customer_id: found[customer_id] for customer_id in people}
