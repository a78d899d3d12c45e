"""Records of one person."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.customers import MAX_SHARING, CustomerContact, DuplicateGroup, duplicate_groups

PHONE = "+12125550123"
PLACEHOLDER_EMAIL = "no-email@pos.local"


def test_records_that_share_an_e_mail_or_a_phone_number_are_one_person() -> None:
    # Given
    contacts = [
        CustomerContact("10", "robin.ash@example.com", None),
        CustomerContact("9", " Robin.Ash@Example.com ", None),
        CustomerContact("3", "other@example.com", PHONE),
        CustomerContact("4", None, PHONE),
        CustomerContact("5", "nobody.else@example.com", None),
    ]
    # When / Then: the lowest id is the primary, numbers read as numbers
    assert duplicate_groups(contacts) == (DuplicateGroup("3", ("4",)), DuplicateGroup("9", ("10",)))


def test_a_third_record_connects_two_that_share_nothing() -> None:
    # Given
    contacts = [
        CustomerContact("a", "robin.ash@example.com", None),
        CustomerContact("b", None, PHONE),
        CustomerContact("c", "robin.ash@example.com", PHONE),
    ]
    # When / Then
    assert duplicate_groups(contacts) == (DuplicateGroup("a", ("b", "c")),)


def test_persons_come_by_their_primaries_whatever_the_ids_of_the_others() -> None:
    # Given
    contacts = [
        CustomerContact("10", "kim@example.com", None),
        CustomerContact("11", "kim@example.com", None),
        CustomerContact("20", "robin@example.com", None),
        CustomerContact("2", "robin@example.com", None),
    ]
    # When / Then
    assert duplicate_groups(contacts) == (
        DuplicateGroup("2", ("20",)),
        DuplicateGroup("10", ("11",)),
    )


def test_a_record_that_is_listed_twice_is_no_duplicate_of_itself() -> None:
    # Given / When / Then
    assert duplicate_groups([CustomerContact("1", "kim@example.com", PHONE)] * 2) == ()


def test_placeholders_and_empty_values_connect_nobody() -> None:
    # Given
    contacts = [
        CustomerContact("1", PLACEHOLDER_EMAIL, None),
        CustomerContact("2", PLACEHOLDER_EMAIL, ""),
        CustomerContact("3", "", ""),
        CustomerContact("4", None, None),
    ]
    # When / Then
    assert duplicate_groups(contacts) == ()


def test_a_phone_number_that_a_crowd_shares_is_a_filler() -> None:
    # Given
    crowd = [CustomerContact(str(n), None, PHONE) for n in range(MAX_SHARING + 1)]
    # When / Then
    assert duplicate_groups(crowd) == ()
    assert len(duplicate_groups(crowd[1:])[0].duplicate_ids) == MAX_SHARING - 1


contact_lists = st.lists(
    st.builds(
        CustomerContact,
        st.integers(0, 30).map(str),
        st.sampled_from([None, PLACEHOLDER_EMAIL, *(f"{n}@example.com" for n in "abcdefgh")]),
        st.sampled_from([None, *(f"+1212555010{n}" for n in range(8))]),
    ),
    unique_by=lambda contact: contact.id,
    max_size=20,
)


@given(contact_lists, st.randoms())
def test_persons_are_the_connected_groups_whatever_the_order(
    contacts: list[CustomerContact], random: Random
) -> None:
    # Given: each record's group, grown until nothing more is shared
    def connected(one: CustomerContact) -> frozenset[str]:
        group = [one]
        for member in group:
            group += [
                other
                for other in contacts
                if other not in group
                and (
                    (member.phone and other.phone == member.phone)
                    or (
                        member.email not in (None, PLACEHOLDER_EMAIL)
                        and other.email == member.email
                    )
                )
            ]
        return frozenset(member.id for member in group)

    expected = {group for one in contacts if len(group := connected(one)) > 1}
    shuffled = list(contacts)
    random.shuffle(shuffled)
    # When
    found = duplicate_groups(shuffled)
    # Then
    assert {frozenset({p.primary_id, *p.duplicate_ids}) for p in found} == expected
    assert found == duplicate_groups(contacts)
    assert all(int(p.primary_id) < min(map(int, p.duplicate_ids)) for p in found)
