"""Snapshots are read by look-ups, by scans or from what is stored.

A snapshot holds whole groups: all customers who share an e-mail, or are or were linked as the same
person. They are found by look-ups (``read_snapshot``), or all customers are read by three scans
(``read_range``). Of an org too large for that, a snapshot of a range of ids serves what follows
from each customer alone, and one of groups as they are stored (``read_groups``) what follows from
several together.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from shared.domain.customer_ranges import CustomerRange
from shared.domain.customers import CustomerContact, duplicate_groups
from shared.domain.ids import natural_key
from shared.domain.preferences import Purchases
from shared.services.spending.snapshot import SpendingSnapshot
from shared.store import customers, orders, spending
from shared.store.database import Database, Document
from shared.store.spending import CustomerSnapshot


def read_snapshot(database: Database, org_id: str, customer_ids: Sequence[str]) -> SpendingSnapshot:
    """A snapshot of some customers and of all who are connected with them, directly or not."""
    people: dict[str, CustomerSnapshot] = {}
    emails: set[str] = set()
    phones: set[str] = set()
    fillers: set[str] = set()
    seen: set[str] = set()
    wanted = set(customer_ids)
    while wanted:
        seen |= wanted
        found = spending.snapshots(database, org_id, sorted(wanted, key=natural_key))
        people |= found
        new_emails = {e for member in found.values() for e in member.emails} - emails
        new_phones = {member.phone for member in found.values() if member.phone} - phones
        emails |= new_emails
        phones |= new_phones
        by_phone, too_common = spending.customers_sharing_phones(database, org_id, new_phones)
        fillers |= too_common
        wanted = {i for member in found.values() for i in member.linked} | by_phone
        wanted |= {i for _, i in customers.having(database, org_id, "email", new_emails)}
        wanted -= seen
    present = [customer_id for customer_id in people if not people[customer_id].removed]
    by_email = _by_email(database, org_id, people)
    purchases, unreadable = _purchases(database, org_id, people, present)
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(_contact(member, fillers) for member in people.values()),
        by_email=by_email,
        purchases=purchases,
        unreadable=unreadable,
    )


def read_range(database: Database, org_id: str, wanted: CustomerRange) -> SpendingSnapshot:
    """A snapshot of every customer of the org or, of a range with bounds, of what follows from
    each of its customers alone.

    The document of an e-mail names a customer who has it, so the range of the customer has it too;
    one that names another is written anew. Whoever had another e-mail is to be looked up, as the
    customers who still have that may be anywhere.
    """
    people, kept = spending.snapshots_in(database, org_id, wanted)
    emails = {email for member in people.values() for email in member.emails}
    purchases, unreadable = _purchases(database, org_id, people, wanted)
    contacts = (member.contact for member in people.values())
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=None if wanted.bounded else duplicate_groups(contacts),
        by_email={
            e: kept.get(spending.spending_path(org_id, e), spending.MISSING) for e in sorted(emails)
        },
        purchases=purchases,
        unreadable=unreadable,
        apart=frozenset(wanted.apart),
        unsure=frozenset(i for i in people if wanted.bounded and people[i].emails_before),
    )


def read_groups(
    database: Database, org_id: str, customer_ids: Sequence[str], fillers: Collection[str]
) -> SpendingSnapshot:
    """A snapshot of whole groups as their spending is stored; ``fillers`` are the numbers among
    theirs that connect nobody.

    Whoever is connected with others than the customers named, or has no figures yet, is to be
    looked up.
    """
    people = spending.snapshots(database, org_id, customer_ids)
    unsure = {
        i
        for i, member in people.items()
        if member.emails_before
        or not member.linked <= people.keys()
        or not (member.removed or member.own.exists)
    }
    purchases: dict[str, Purchases] = {}
    for i, member in people.items():
        purchases[i] = Purchases()
        if not member.removed:
            purchases[i].spending = customers.spending_in(member.own.fields)
    return SpendingSnapshot(
        org_id=org_id,
        people=people,
        persons=duplicate_groups(_contact(member, fillers) for member in people.values()),
        by_email=_by_email(database, org_id, people),
        purchases=purchases,
        unreadable={},
        unsure=frozenset(unsure),
        as_stored=True,
    )


def _by_email(
    database: Database, org_id: str, people: Mapping[str, CustomerSnapshot]
) -> dict[str, Document]:
    """The spending document of each e-mail that one of them has or had, looked up."""
    emails = {email for member in people.values() for email in member.emails}
    where = {email: spending.spending_path(org_id, email) for email in sorted(emails)}
    documents = database.get_all(list(where.values()))
    return {email: documents[path] for email, path in where.items()}


def _contact(member: CustomerSnapshot, fillers: Collection[str]) -> CustomerContact:
    """A customer's e-mail and phone; a number on too many records is left out."""
    phone = None if member.phone in fillers else member.phone
    return CustomerContact(member.id, member.email, phone)


def _purchases(
    database: Database,
    org_id: str,
    people: Mapping[str, CustomerSnapshot],
    whose: CustomerRange | Sequence[str],
) -> tuple[dict[str, Purchases], dict[str, Exception]]:
    """What each of ``people`` has bought, nothing where they were removed at the POS; the errors of
    those whose orders cannot be added up. Orders are added up as they are read, none is kept."""
    found: defaultdict[str, Purchases] = defaultdict(Purchases)
    unreadable: dict[str, Exception] = {}
    for customer_id, order in orders.facts_of_customers(database, org_id, whose):
        try:
            if customer_id in people and not people[customer_id].removed:
                found[customer_id].add(order)
        except Exception as error:
            # Not even the customer's id is sure to be a text.
            unreadable[str(customer_id)] = error
    return {customer_id: found[customer_id] for customer_id in people}, unreadable
