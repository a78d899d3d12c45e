"""What an org asks to hear of, as its settings say."""

from typing import Any

import pytest

from shared.domain.notifications import NEW_ECOM_ORDER
from shared.errors import ConfigurationInvalid
from shared.store import tenants
from shared.store.database import Database, Document
from tests.fakes import START


class OneTenant(Database):
    """A Firestore with an org's document and nothing else."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def get(self, path: str) -> Document:
        assert path == "tenants/org_a"
        return Document("org_a", self._fields, START, START, path)


def read(**fields: Any) -> tenants.TenantSettings:
    return tenants.read(OneTenant(fields), "org_a")


def test_an_org_asks_for_new_ecom_orders() -> None:
    assert read(alerts={"notify": [NEW_ECOM_ORDER]}).notify == {NEW_ECOM_ORDER}


@pytest.mark.parametrize("alerts", [None, 7, {}, {"urls": []}, {"notify": None}, {"notify": []}])
def test_an_org_that_says_nothing_hears_of_nothing(alerts: object) -> None:
    found = read(alerts=alerts)

    assert (found.notify, found.warnings) == (frozenset(), ())


def test_what_nobody_can_ask_for_is_named_and_the_rest_holds() -> None:
    found = read(alerts={"notify": ["new_ecom_ordr", 7, NEW_ECOM_ORDER]})

    assert found.notify == {NEW_ECOM_ORDER}
    assert found.warnings == (
        "Ignored in tenants/org_a: 'new_ecom_ordr' in alerts.notify is none of new_ecom_order.",
        "Ignored in tenants/org_a: 7 in alerts.notify is none of new_ecom_order.",
    )


def test_a_list_that_is_none_is_named() -> None:
    found = read(alerts={"notify": NEW_ECOM_ORDER})

    assert (found.notify, len(found.warnings)) == (frozenset(), 1)


def test_fields_of_the_result_are_no_settings() -> None:
    found = read(notify=[NEW_ECOM_ORDER], warnings=["no"])

    assert (found.notify, found.warnings) == (frozenset(), ())


def test_settings_of_the_sync_are_still_checked() -> None:
    with pytest.raises(ConfigurationInvalid):
        read(sync={"lookbackDays": 0})
