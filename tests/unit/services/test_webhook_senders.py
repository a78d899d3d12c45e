"""Whose a signed webhook is, and what it costs to find that out."""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.errors import Owner
from shared.outbound.credentials import SecretResolver
from shared.pos.alleaves.webhooks import locations_in
from shared.pos.lightspeed.webhooks import accounts_in
from shared.services.webhook_senders import (
    ALLOWANCE_SECONDS,
    FEW,
    KEPT_SECONDS,
    KNOWN_SECONDS,
    MOST_AT_PLACE,
    MOST_HASHED,
    MOST_REFERENCES,
    OLD_COUNTS,
    READS_ALLOWED,
    OrgUnclear,
    WebhookSenders,
)
from shared.store.database import Database, Document, Fields, Filter
from shared.store.webhook_signers import PLACE
from shared.web.signatures import signature
from tests.fakes import START, SteppingClock

FALLBACK = "the secret of the environment"


class LocationsInMemory(Database):
    """Nothing but locations. ``reads`` counts as Firestore bills."""

    def __init__(self, locations: Mapping[str, Any]) -> None:
        self.locations = dict(locations)
        self.reads = 0

    def query(
        self,
        collection: str,
        *filters: Filter,
        select: Sequence[str] | None = None,
        order_by: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        after: Fields | None = None,
        everywhere: bool = False,
    ) -> Iterator[Document]:
        assert (collection, order_by, after, everywhere) == ("locations", (), None, False)
        found = [
            Document(key, fields, START, START)
            for key, fields in self.locations.items()
            if all(_holds(fields, each) for each in filters)
        ][:limit]
        self.reads += max(1, len(found))
        return iter(found)


def _holds(fields: Mapping[str, Any], wanted: Filter) -> bool:
    name, operator, value = wanted
    at: Any = fields
    for part in name.split("."):
        at = at.get(part) if isinstance(at, dict) else None
    match operator:
        case "==":
            return bool(at == value)
        case "in":
            return isinstance(value, list) and at in value
    raise AssertionError(operator)


class Setting:
    """The orgs of a deployment; ``secrets`` is Secret Manager."""

    def __init__(self, *, fallback: str = "", provider: str = "alleaves") -> None:
        self.database = LocationsInMemory({})
        self.secrets: dict[str, str] = {}
        self.secrets_read: list[str] = []
        self.clock = SteppingClock()
        self.provider = provider
        self.find = WebhookSenders(
            provider,
            self.database,
            SecretResolver(self._read_secret, "p", self.clock.monotonic, plain_text=True),
            fallback=SecretStr(fallback),
            places_in=accounts_in if provider == "lightspeed" else locations_in,
            clock=self.clock.now,
            monotonic=self.clock.monotonic,
        )

    def add(
        self, org_id: str, secret: str | None = None, location: object = None, **config: object
    ) -> None:
        """Give an org an active location."""
        given = {"webhookSecret": secret, PLACE[self.provider]: location}
        self.database.locations[f"{org_id}-{len(self.database.locations)}"] = {
            "orgId": org_id,
            "posConfig": {
                "provider": self.provider,
                "status": "active",
                **{name: value for name, value in given.items() if value is not None},
                **config,
            },
        }

    def sender(
        self, secret: str, *, location: object = None, org_id: str | None = None, n: int = 0
    ) -> str | None:
        """The org found for a body that was signed with the secret."""
        data = {"id_order": n, **({} if location is None else {"id_location": location})}
        return self.of_body(secret, json.dumps({"event": "order.created", "data": data}), org_id)

    def of_body(self, secret: str, body: str, org_id: str | None = None) -> str | None:
        raw = body.encode()
        sent = signature(raw, SecretStr(secret))
        return self.find(org_id, raw, lambda each: hmac.compare_digest(sent, signature(raw, each)))

    def spent(self) -> int:
        """Documents read since the last look."""
        spent, self.database.reads = self.database.reads, 0
        return spent

    def _read_secret(self, resource: str) -> str:
        name = resource.split("/")[3]
        self.secrets_read.append(name)
        if name not in self.secrets:
            raise LookupError(resource)
        return self.secrets[name]


def test_the_secret_says_which_org_it_is() -> None:
    setting = Setting()
    setting.add("org_a", "secret a", "1000")
    setting.add("org_b", "secret b", "1000")

    assert setting.sender("secret a") == "org_a"
    assert setting.sender("secret b", location=1000) == "org_b"
    assert setting.sender("secret b", location="of nobody") == "org_b"
    assert setting.sender("a guess") is None
    assert setting.sender("a guess", location=1000) is None


@pytest.mark.parametrize("form", [int, str])
def test_of_orgs_that_share_a_secret_the_location_decides(form: type) -> None:
    setting = Setting()
    for number, org_id in enumerate(("org_a", "org_b", "org_c")):
        setting.add(org_id, "shared", form(1000 + number))
    setting.add("org_d", "another", form(1001))

    assert setting.sender("shared", location=1001) == "org_b"
    assert setting.sender("shared", location="1002") == "org_c"


def test_two_locations_of_one_org_may_share_a_secret() -> None:
    setting = Setting()
    setting.add("org_a", "shared", "1000")
    setting.add("org_a", "shared", "1001")

    assert setting.sender("shared") == "org_a"


@pytest.mark.parametrize("location", [None, 1000, 9999])
def test_where_the_location_does_not_decide_it_is_said_whose_turn_it_is(
    location: int | None,
) -> None:
    setting = Setting()
    setting.add("org_a", "shared", "1000")
    setting.add("org_b", "shared", "1000")

    with capture_logs() as logs, pytest.raises(OrgUnclear) as refused:
        setting.sender("shared", location=location)

    (line,) = (each for each in logs if each["event"] == "webhook_org_unclear")
    assert (line["owner"], line["org_ids"]) == (Owner.ORG, ["org_a", "org_b"])
    assert "webhookSecret" in line["to_do"]
    assert 400 <= refused.value.status < 500
    assert "org_a" not in str(refused.value)
    assert "shared" not in str(logs)


def test_the_fallback_signs_for_locations_without_a_secret_of_their_own() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_a", location="1000")
    setting.add("org_b", location=1001)
    setting.add("org_own", "its own", "1002")

    assert setting.sender(FALLBACK, location=1000) == "org_a"
    assert setting.sender(FALLBACK, location="1001") == "org_b"
    assert setting.sender("its own", location=1002) == "org_own"
    for location in (1002, 9999, None):
        with pytest.raises(OrgUnclear):
            setting.sender(FALLBACK, location=location)


def test_the_fallback_of_the_only_org_needs_no_location() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_only")
    setting.add("org_own", "its own", "1000")

    assert setting.sender(FALLBACK) == "org_only"
    assert setting.sender(FALLBACK, location=1234) == "org_only"


def test_an_org_whose_own_secret_is_the_fallback_too_is_found() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_only", FALLBACK, "1000")

    for location in (None, 1000, 1234):
        assert setting.sender(FALLBACK, location=location) == "org_only"


def test_a_location_that_nobody_has_is_not_taken_for_another_of_the_only_org() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_only", location="1000")

    assert setting.sender(FALLBACK) == "org_only"
    with pytest.raises(OrgUnclear):
        setting.sender(FALLBACK, location=1001)


def test_of_many_orgs_without_a_location_it_is_the_operators_turn() -> None:
    setting = Setting(fallback=FALLBACK)
    for number in range(FEW + 50):
        setting.add(f"org_{number}", location=number)

    with capture_logs() as logs, pytest.raises(OrgUnclear):
        setting.sender(FALLBACK)

    (line,) = (each for each in logs if each["event"] == "webhook_org_unclear")
    assert line["owner"] is Owner.US
    assert setting.spent() <= FEW + 2


def test_an_org_that_is_named_is_believed_with_its_secret_only() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_a", "secret a", "1000")
    setting.add("org_b", location="1001")

    assert setting.sender("secret a", org_id="org_a", location=1001) == "org_a"
    assert setting.sender(FALLBACK, org_id="org_b") == "org_b"
    for secret, org_id in (
        ("secret a", "org_b"),
        (FALLBACK, "org_a"),
        (FALLBACK, "org_nowhere"),
        ("secret a", "org_nowhere"),
        ("a guess", "org_b"),
    ):
        assert setting.sender(secret, org_id=org_id) is None


def test_without_a_fallback_an_empty_secret_signs_nothing() -> None:
    setting = Setting()
    setting.add("org_a", location="1000")
    setting.add("org_b", "secret:pos-org_b-empty", "1001")
    setting.secrets["pos-org_b-empty"] = ""

    for location in (None, 1000, 1001):
        assert setting.sender("", location=location) is None
    assert setting.sender("", org_id="org_a") is None
    assert setting.sender("", org_id="org_b") is None


def test_only_an_active_location_at_the_pos_signs() -> None:
    setting = Setting(fallback=FALLBACK)
    setting.add("org_paused", "secret a", "1000", status="paused")
    setting.add("org_other", "secret b", "1001", provider="lightspeed")
    setting.add("org/none", "secret c", "1002")

    for secret, location in (("secret a", 1000), ("secret b", 1001), ("secret c", 1002)):
        assert setting.sender(secret) is None
        assert setting.sender(secret, location=location) is None
    for org_id in ("org_paused", "org_other"):
        assert setting.sender(FALLBACK, org_id=org_id) is None


def test_a_webhook_that_names_its_location_costs_one_read_however_many_orgs_there_are() -> None:
    setting = Setting()
    for number in range(5_000):
        setting.add(f"org_{number}", f"secret {number}", number)

    assert setting.sender("secret 1234", location=1234) == "org_1234"
    assert setting.spent() == 1
    assert setting.sender("secret 1234", location=1234, n=1) == "org_1234"
    assert setting.spent() == 0


def test_without_a_location_all_secrets_are_read_once_in_a_while() -> None:
    setting = Setting()
    for number in range(1_000):
        setting.add(f"org_{number}", f"secret {number}", number)

    for number in range(20):
        assert setting.sender(f"secret {number}") == f"org_{number}"
    assert setting.spent() == 1_000

    setting.add("org_new", "new")
    assert setting.sender("new") is None
    setting.clock.advance(KNOWN_SECONDS)
    assert setting.sender("new") == "org_new"
    assert setting.spent() == 1_001


@pytest.mark.parametrize("named_by", ["location", "org"])
def test_a_flood_of_forged_webhooks_costs_a_bounded_number_of_reads(named_by: str) -> None:
    # Given many orgs and an attacker who names another place in each webhook
    setting = Setting(fallback=FALLBACK)
    for number in range(200):
        setting.add(f"org_{number}", f"secret {number}", number)
    setting.add("org_fallback", location="here")

    def forge(number: int) -> str | None:
        if named_by == "org":
            return setting.sender("a guess", org_id=f"org_x{number}", n=number)
        return setting.sender("a guess", location=f"x{number}", n=number)

    # When thousands come within a minute
    with capture_logs() as logs:
        assert {forge(number) for number in range(3_000)} == {None}

    # Then they cost as much as is allowed, and what is signed is still received
    assert setting.spent() <= READS_ALLOWED + 201
    assert [each["event"] for each in logs].count("webhook_look_ups_used_up") == 1
    assert setting.sender("secret 7", location=7) == "org_7"
    assert setting.sender("secret 8", org_id="org_8") == "org_8"
    assert setting.sender("secret 9") == "org_9"
    assert setting.sender(FALLBACK, location="here") == "org_fallback"
    assert setting.sender(FALLBACK, org_id="org_fallback") == "org_fallback"

    # ... and the next minute looks things up again
    setting.clock.advance(ALLOWANCE_SECONDS)
    setting.add("org_new", "new", "there")
    assert setting.sender("new", location="there") == "org_new"


def test_a_flood_without_any_name_costs_one_reading_of_the_secrets() -> None:
    setting = Setting()
    for number in range(50):
        setting.add(f"org_{number}", f"secret {number}", number)

    for number in range(1_000):
        assert setting.sender("a guess", n=number) is None

    assert setting.spent() == 50


def test_locations_that_many_orgs_number_alike_are_read_once() -> None:
    # Given orgs whose accounts all call their location 1000
    setting = Setting()
    for number in range(3 * MOST_AT_PLACE):
        setting.add(f"org_{number:03}", f"secret {number}", 1000)

    # When webhooks name it beside other places
    for number in range(20):
        body = {"event": "x", "id_location": 1000, "data": {"id_location": f"x{number}"}}
        assert setting.of_body("a guess", json.dumps(body)) is None

    # Then it is looked up once, and the secrets are read once
    assert setting.spent() <= MOST_AT_PLACE + 1 + 20 + 3 * MOST_AT_PLACE
    assert setting.sender("secret 299", location=1000) == "org_299"


def test_of_many_locations_numbered_alike_none_is_taken_for_another() -> None:
    # Given two orgs with one secret among those whose location is 1000
    setting = Setting()
    for number in range(MOST_AT_PLACE):
        setting.add(f"org_{number:03}", f"secret {number}", 1000)
    setting.add("org_last", "secret 0", 1000)

    with pytest.raises(OrgUnclear):
        setting.sender("secret 0", location=1000)
    assert setting.sender("secret 1", location=1000) == "org_001"


def test_of_a_named_location_only_its_own_secret_is_fetched() -> None:
    setting = Setting()
    for number in range(200):
        setting.add(f"org_{number:03}", f"secret:pos-org_{number:03}-hook", number)
        setting.secrets[f"pos-org_{number:03}-hook"] = f"secret {number}"

    assert setting.sender("secret 150", location=150) == "org_150"
    assert setting.secrets_read == ["pos-org_150-hook"]
    assert setting.sender("secret 151", org_id="org_151") == "org_151"
    assert setting.secrets_read == ["pos-org_150-hook", "pos-org_151-hook"]


def test_without_a_location_a_limited_number_of_secrets_is_fetched() -> None:
    setting = Setting()
    for number in range(200):
        setting.add(f"org_{number:03}", f"secret:pos-org_{number:03}-hook", number)
        setting.secrets[f"pos-org_{number:03}-hook"] = f"secret {number}"
    setting.add("org_text", "as text")

    with capture_logs() as logs:
        assert setting.sender("secret 3") == "org_003"
        assert setting.sender("as text") == "org_text"
        assert setting.sender("secret 199") is None

    assert len(setting.secrets_read) == MOST_REFERENCES
    (line,) = (each for each in logs if each["event"] == "webhook_secrets_read")
    assert line["left_out"] == 200 - MOST_REFERENCES


def test_a_secret_that_cannot_be_fetched_does_not_keep_others_from_signing() -> None:
    setting = Setting()
    setting.add("org_a", "secret:pos-org_a-missing", "1000")
    setting.add("org_b", "secret b", "1000")

    assert setting.sender("secret b", location=1000) == "org_b"
    assert setting.sender("secret b") == "org_b"


def test_the_secret_of_another_org_signs_nothing_for_whoever_names_it() -> None:
    # Given an org that names the secret of another, whose location it has too
    setting = Setting()
    setting.add("org_b", "secret:pos-org_a-hook", "1000")
    setting.add("org_a", "secret:pos-org_a-hook", "1000")
    setting.secrets["pos-org_a-hook"] = "shared"

    # Then
    assert setting.sender("shared") == "org_a"
    assert setting.sender("shared", location=1000) == "org_a"
    assert setting.sender("shared", org_id="org_b", location=1000) is None


def test_a_secret_given_as_text_and_as_a_reference_is_one() -> None:
    setting = Setting()
    setting.add("org_a", "secret:pos-org_a-hook", "1000")
    setting.add("org_b", "shared", "1001")
    setting.secrets["pos-org_a-hook"] = "shared"

    with pytest.raises(OrgUnclear):
        setting.sender("shared")
    assert setting.sender("shared", location=1000) == "org_a"


def test_a_changed_secret_counts_after_a_minute() -> None:
    setting = Setting()
    setting.add("org_a", "old", "1000")
    assert setting.sender("old", location=1000) == "org_a"

    for location in setting.database.locations.values():
        location["posConfig"]["webhookSecret"] = "new"
    setting.clock.advance(KEPT_SECONDS)

    assert setting.sender("new", location=1000) == "org_a"


def test_a_huge_body_that_names_no_location_is_not_hashed_with_thousands_of_secrets() -> None:
    setting = Setting()
    for number in range(100):
        setting.add(f"org_{number}", f"secret {number}", number)
    padding = "x" * (MOST_HASHED // 100)
    named = json.dumps({"event": "x", "data": {"id_location": 7, "note": padding}})
    nameless = json.dumps({"event": "x", "data": {"note": padding}})

    assert setting.of_body("secret 7", named) == "org_7"
    assert setting.of_body("secret 7", nameless) is None
    assert setting.of_body("secret 7", nameless, "org_7") == "org_7"


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"data": [[{"id_location": 1}]]}'])
def test_a_body_that_names_nothing_is_still_recognised(body: str) -> None:
    setting = Setting()
    setting.add("org_a", "secret a", "1000")

    assert setting.of_body("secret a", body) == "org_a"
    assert setting.of_body("a guess", body) is None


NEW, OLD = "N" * 32, "O" * 32
APP_SECRET = "A" * 32


def sale(prefix: str = "", number: int = 0) -> str:
    return urlencode({"payload": json.dumps({"id": f"s{number}"}), "domain_prefix": prefix})


def in_address(setting: Setting, org_id: str, secret: str) -> bool:
    sent = secret.encode()
    return setting.find.knows(
        org_id, lambda each: hmac.compare_digest(sent, each.get_secret_value().encode())
    )


def test_an_account_is_found_by_its_prefix_for_one_read() -> None:
    setting = Setting(provider="lightspeed")
    for number in range(5_000):
        setting.add(f"org_{number}", f"secret {number}", f"shop-{number}")

    assert setting.of_body("secret 1234", sale("shop-1234")) == "org_1234"
    assert setting.spent() == 1
    assert setting.of_body("secret 1234", sale("Shop-1234", 1)) == "org_1234"
    assert setting.spent() == 0
    assert setting.of_body("secret 1234", sale("shop-1235")) == "org_1234"


def test_an_app_that_several_orgs_have_signs_for_the_account_that_the_body_names() -> None:
    setting = Setting(provider="lightspeed")
    setting.add("org_a", location="shop-a", clientSecret=APP_SECRET)
    setting.add("org_b", location="shop-b", clientSecret=APP_SECRET)

    assert setting.of_body(APP_SECRET, sale("shop-b")) == "org_b"
    assert setting.of_body(APP_SECRET, sale(), "org_a") == "org_a"
    with pytest.raises(OrgUnclear):
        setting.of_body(APP_SECRET, sale())


def test_the_secret_of_an_app_signs_and_is_none_for_an_address() -> None:
    setting = Setting(provider="lightspeed")
    setting.add("org_a", NEW, "shop-a", clientSecret="secret:pos-org_a-app")
    setting.secrets["pos-org_a-app"] = APP_SECRET

    assert setting.of_body(APP_SECRET, sale("shop-a")) == "org_a"
    assert setting.of_body(NEW, sale("shop-a", 1)) == "org_a"
    assert in_address(setting, "org_a", NEW)
    assert not in_address(setting, "org_a", APP_SECRET)


def test_another_provider_has_no_secret_of_an_app() -> None:
    setting = Setting()
    setting.add("org_a", "own", "1000", clientSecret=APP_SECRET)

    assert setting.sender(APP_SECRET, location=1000) is None


def test_while_secrets_are_exchanged_both_count_and_a_day_later_the_new_one_alone() -> None:
    setting = Setting(provider="lightspeed")
    setting.add("org_a", f"{NEW} {OLD}", "shop-a", webhookSecretRotatedAt=setting.clock.now())

    def accepted() -> list[bool]:
        return [
            in_address(setting, "org_a", NEW),
            in_address(setting, "org_a", OLD),
            in_address(setting, "org_a", f"{NEW} {OLD}"),
            setting.of_body(OLD, sale("shop-a")) == "org_a",
        ]

    assert accepted() == [True, True, False, True]
    setting.clock.advance((OLD_COUNTS - timedelta(minutes=1)).total_seconds())
    assert accepted() == [True, True, False, True]
    setting.clock.advance(KNOWN_SECONDS + 60)
    assert accepted() == [True, False, False, False]


def test_secrets_exchanged_by_hand_both_count_until_one_is_left() -> None:
    setting = Setting()
    setting.add("org_a", f"{NEW} {OLD}", "1000")
    setting.clock.advance(10 * OLD_COUNTS.total_seconds())

    assert setting.sender(NEW, location=1000) == "org_a"
    assert setting.sender(OLD, location=1000) == "org_a"


def test_a_short_secret_with_a_blank_is_one_secret() -> None:
    setting = Setting()
    setting.add("org_a", "secret a", "1000")

    assert setting.sender("secret a", location=1000) == "org_a"
    assert setting.sender("secret", location=1000) is None
    assert setting.sender("a", location=1000) is None


def test_an_address_is_believed_for_its_own_org_only() -> None:
    setting = Setting(provider="lightspeed")
    setting.add("org_a", NEW, "shop-a")
    setting.add("org_b", OLD, "shop-b")
    setting.add("org_none", location="shop-c")

    assert in_address(setting, "org_a", NEW)
    for org_id in ("org_b", "org_none", "org_nowhere"):
        assert not in_address(setting, org_id, NEW)


def test_a_thousand_forged_addresses_cost_a_bounded_number_of_reads() -> None:
    setting = Setting(provider="lightspeed")
    for number in range(200):
        setting.add(f"org_{number}", f"{number:032}", f"shop-{number}")

    for number in range(1_000):
        assert not in_address(setting, "org_7", f"{number + 10_000:032}")
    assert setting.spent() == 1
    for number in range(3_000):
        assert not in_address(setting, f"org_x{number}", f"{number:032}")

    assert setting.spent() <= READS_ALLOWED + 201
    assert in_address(setting, "org_150", f"{150:032}")
