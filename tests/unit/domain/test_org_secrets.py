"""Names of orgs' secrets: no org may name what is another's."""

from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.ids import LONGEST_ID, is_document_id
from shared.domain.org_secrets import LONGEST_NAME, SecretPlace, is_name_of, name_prefix

ids = st.one_of(
    st.text("ab-_x", min_size=1, max_size=8),
    st.sampled_from(["a", "a-b", "A", "x__a", "org_main_street", "pos-a", "é", "x" * LONGEST_ID]),
    st.text(min_size=1, max_size=LONGEST_ID),
).filter(is_document_id)
endings = st.text("ab-_x9", min_size=1, max_size=8)


def test_an_id_of_letters_digits_and_underscores_stands_in_the_name_itself() -> None:
    assert name_prefix("org_main_street") == "pos-org_main_street-"
    assert is_name_of("org_main_street", "pos-org_main_street-password")
    assert is_name_of("org_harbor", "pos-org_harbor-refresh-token")


def test_one_org_cannot_name_the_secret_of_an_org_whose_id_goes_on() -> None:
    assert not is_name_of("a", name_prefix("a-b") + "password")
    assert not is_name_of("a-b", "pos-a-b-password")
    assert is_name_of("a", "pos-a-b-password")


def test_a_name_that_is_only_a_prefix_or_no_name_is_nobodys() -> None:
    for name in (
        "",
        "pos-a-",
        "pos-a",
        "cron-secret",
        "pos-a-b/versions/1",
        "pos-a-b\n",
        "pos-a-é",
    ):
        assert not is_name_of("a", name)


@given(one=ids, other=ids, ending=endings)
def test_a_secret_is_of_one_org_at_most(one: str, other: str, ending: str) -> None:
    assume(one != other)
    name = name_prefix(one) + ending

    assert is_name_of(one, name)
    assert not is_name_of(other, name)
    assert len(name_prefix(one)) + len("refresh-token") <= LONGEST_NAME


@given(first=ids, second=ids, ending=endings)
def test_whatever_a_name_begins_with_it_is_of_one_org_at_most(
    first: str, second: str, ending: str
) -> None:
    assume(first != second)
    name = f"pos-{first}-{ending}"

    assert not (is_name_of(first, name) and is_name_of(second, name))


def test_a_place_says_where_and_how_it_is_mended() -> None:
    of_location = SecretPlace("org_x", "posConfig.pin", "main street")

    assert str(of_location) == "posConfig.pin of location main street"
    assert of_location.command == (
        "sync-sam secret rotate org_x posConfig.pin --location 'main street'"
    )
    assert SecretPlace("org_x", "alpineIq.apiKey").command == (
        "sync-sam secret rotate org_x alpineIq.apiKey"
    )
