"""docs/settings.md: current, and complete."""

from collections.abc import Iterator

import pytest

from deploy import settings_document as settings
from deploy.manifest import Manifest
from shared.pos.config import AlleavesConfig, LightspeedConfig, Location, known_fields
from shared.store.tenants import PARTS


def test_the_document_is_what_would_be_written() -> None:
    assert settings.DOCUMENT.read_text() == settings.text(), "python -m deploy.settings_document"


def _settings_of_orgs() -> Iterator[settings.Setting]:
    for part, model in settings.PARTS_OF_AN_ORG.items():
        yield from settings.of_model(model, f"{part}.")
    for model in (AlleavesConfig, LightspeedConfig):
        yield from settings.of_model(model, "posConfig.")
    for row in settings.of_model(Location):
        if row.name.partition(".")[0] not in settings.NOT_SET:
            yield row


def test_no_setting_of_an_org_lacks_its_meaning() -> None:
    assert not [row.name for row in _settings_of_orgs() if not row.meaning]


def test_no_variable_of_a_function_lacks_its_meaning() -> None:
    found = [row for row, _, _ in settings.of_functions(Manifest.read())]
    assert not [row.name for row in found if not row.meaning]


def test_every_variable_that_the_manifest_gives_is_there() -> None:
    deployed = Manifest.read()
    given = {*deployed.env, *deployed.secrets}
    read = {row.name for row, _, _ in settings.of_functions(deployed)}
    assert given - read == settings.OF_NO_MODEL.keys()


@pytest.mark.parametrize("provider", ["alleaves", "lightspeed"])
def test_every_field_of_an_account_that_is_known_is_there(provider: str) -> None:
    document = settings.text()
    missing = [name for name in known_fields(provider) if f"`posConfig.{name}`" not in document]
    assert not missing


def test_every_part_of_an_org_is_there_with_the_settings_within_it() -> None:
    names = {row.name for row in _settings_of_orgs()}
    assert {name.partition(".")[0] for name in names} >= {*PARTS, "rfm"}
    assert {"alpineIq.rateLimit.perHour", "loyaltySettings.tiers[].threshold"} <= names


def test_a_default_that_differs_between_functions_says_where() -> None:
    rows = {row.name: row for row, _, _ in settings.of_functions(Manifest.read())}
    assert rows["POS_READ_SECONDS"].default == "30; 15 (manual_sync, admin_api)"
    assert rows["CRON_SECRET"].default == ""
