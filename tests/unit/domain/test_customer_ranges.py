"""The customers of a large org in parts."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.customer_ranges import CustomerRange, customer_parts
from shared.domain.customers import MAX_SHARING, CustomerContact, duplicate_groups

PHONE, OTHER_PHONE = "+12125550123", "+12125550124"


def contact(
    customer_id: str, email: str | None = None, phone: str | None = None, *linked: str
) -> CustomerContact:
    return CustomerContact(customer_id, email, phone, frozenset(linked))


def inside(wanted: CustomerRange, ids: Sequence[str]) -> set[str]:
    """Those of the ids that Firestore finds in the range: it compares the bytes of their UTF-8."""

    def holds(customer_id: str) -> bool:
        key = customer_id.encode()
        behind = wanted.after is None or key > wanted.after.encode()
        return behind and (wanted.until is None or key <= wanted.until.encode())

    return set(filter(holds, ids))


def test_ranges_follow_the_order_of_the_texts_not_of_the_numbers() -> None:
    # Given
    contacts = [contact(str(n)) for n in (1, 2, 9, 10, 11, 100)]
    # When
    parts = customer_parts(contacts, 2)
    # Then
    assert parts.ranges == (
        (CustomerRange(None, "10"), 2),
        (CustomerRange("10", "11"), 2),
        (CustomerRange("11", None), 2),
    )


def test_customers_who_share_or_are_linked_are_a_group_wherever_their_ids_lie() -> None:
    # Given
    contacts = [
        contact("1", "ada@example.com"),
        contact("2", None, PHONE),
        contact("3", "ada@example.com", OTHER_PHONE),
        contact("4", "kim@example.com", PHONE),
        contact("5", None, OTHER_PHONE),
        contact("6", None, None, "7", "gone"),
        contact("7"),
        contact("8", "no-email@pos.local"),
        contact("9", "no-email@pos.local"),
    ]
    # When
    parts = customer_parts(contacts, 4)
    # Then each range says who of it is in a group
    assert parts.groups == (("1", "3", "5"), ("2", "4"), ("6", "7"))
    apart = [wanted.apart for wanted, _ in parts.ranges]
    assert apart == [("1", "2", "3", "4"), ("5", "6", "7"), ()]


def test_a_number_that_a_crowd_has_connects_nobody_and_is_named_as_a_filler() -> None:
    # Given
    crowd = [contact(str(n), None, PHONE) for n in range(MAX_SHARING + 1)]
    # When
    parts = customer_parts([*crowd, contact("x", None, OTHER_PHONE)], 5)
    # Then
    assert parts.groups == ()
    assert parts.fillers_of(["1", "2", "x"]) == (PHONE,)
    assert parts.fillers_of(["x"]) == ()


def test_an_e_mail_that_a_crowd_has_keeps_the_crowd_together() -> None:
    crowd = [contact(str(n), "kim@example.com") for n in range(MAX_SHARING + 1)]
    assert [len(group) for group in customer_parts(crowd, 5).groups] == [MAX_SHARING + 1]


def test_long_ids_make_short_ranges() -> None:
    # Given ids of 800 bytes
    ids = [f"{n:04}" + "🌿" * 199 for n in range(30)]
    # When
    parts = customer_parts(map(contact, ids), 20)
    # Then
    assert {count for wanted, count in parts.ranges} == {2}


def test_an_org_without_customers_has_no_parts() -> None:
    parts = customer_parts([], 10)
    assert (parts.ranges, parts.groups) == ((), ())


contact_lists = st.lists(
    st.builds(
        CustomerContact,
        st.sampled_from(["1", "2", "10", "11", "a", "B", "é", "🌿", "ￜ", "01", "20", "3"]),
        st.sampled_from([None, "ada@example.com", "kim@example.com", "no-email@pos.local"]),
        st.sampled_from([None, PHONE, OTHER_PHONE]),
        st.frozensets(st.sampled_from(["1", "a", "gone"]), max_size=1),
    ),
    unique_by=lambda each: each.id,
)


@given(contact_lists, st.integers(1, 5))
def test_every_customer_is_in_one_range_and_nobody_is_parted_from_whom_they_belong_to(
    contacts: list[CustomerContact], size: int
) -> None:
    # When
    parts = customer_parts(contacts, size)
    # Then every customer is in exactly one range, none of which is too large
    ids = [each.id for each in contacts]
    found = [inside(wanted, ids) for wanted, _ in parts.ranges]
    assert sorted(i for part in found for i in part) == sorted(ids)
    assert [len(part) for part in found] == [count for _, count in parts.ranges]
    assert all(0 < len(part) <= size for part in found)
    # and in one group at the most, of which its range knows
    grouped = [i for group in parts.groups for i in group]
    assert len(grouped) == len(set(grouped))
    for (wanted, _), part in zip(parts.ranges, found, strict=True):
        assert set(wanted.apart) == part & set(grouped)
    # and whoever shares or is linked is in the same group
    group_of = {i: group for group in parts.groups for i in group}
    for person in duplicate_groups(contacts):
        assert set(person.duplicate_ids) <= set(group_of[person.primary_id])
    for each in contacts:
        for other in each.linked & set(ids):
            assert other in group_of[each.id]
    # and nothing of it depends on the order in which they are read
    assert customer_parts(reversed(contacts), size) == parts


@pytest.mark.parametrize(
    ("wanted", "bounded"),
    [
        (CustomerRange(), False),
        (CustomerRange("1"), True),
        (CustomerRange(None, "1"), True),
    ],
)
def test_a_range_without_bounds_is_everybody(wanted: CustomerRange, bounded: bool) -> None:
    assert wanted.bounded is bounded
