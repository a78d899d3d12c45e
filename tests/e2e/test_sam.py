"""Every command of ``sync-sam`` on the local cloud, its JSON held against its schema."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest

from deploy.sam import target
from deploy.sam.app import main
from deploy.sam.frame import COMMANDS, COULD_NOT, DIFFERS, DONE
from shared.bootstrap import publishing
from shared.outbound import credentials, sealing
from tests.e2e.cloud import Cloud
from tests.ecom_export import ExportedOrder, export

SMALL = {"customers": 30, "orders": 40, "products": 24, "rows": 26}
OpenOrg = Callable[..., str]


class Operator:
    """Somebody at the command line."""

    used: ClassVar[set[str]] = set()

    def __init__(self, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
        self.cloud = cloud
        self._capsys = capsys

    def __call__(self, *words: str, exits: int = DONE) -> Any:
        """The JSON of a command, of the form that it documents; of a problem where it could not."""
        code = main([*words, "--json"])
        said = self._capsys.readouterr()
        if code != exits:
            pytest.fail(f"{words} exits with {code}:\n{said.out[-3000:]}\n{said.err[-3000:]}")
        told = json.loads(said.out)
        name = self._name(words)
        self.used.add(name)
        if code != COULD_NOT:
            jsonschema.validate(told, COMMANDS[name].answer.model_json_schema(by_alias=True))
        return told

    def lines(self, *words: str) -> list[Any]:
        """The same for a command that answers line by line."""
        assert main([*words, "--json"]) == DONE
        found = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        name = self._name(words)
        self.used.add(name)
        for each in found:
            jsonschema.validate(each, COMMANDS[name].answer.model_json_schema(by_alias=True))
        return found

    def shown(self, *words: str) -> str:
        """What people are shown."""
        main(list(words))
        return self._capsys.readouterr().out

    def _name(self, words: tuple[str, ...]) -> str:
        return next(n for n in (" ".join(words[:2]), words[0]) if n in COMMANDS)


@pytest.fixture
def sam(
    cloud: Cloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Operator]:
    """The command line of this cloud; clients of another are not used."""
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(cloud.stack.description()))
    monkeypatch.setenv(target.STACK_VARIABLE, str(file))
    for variable in target.EMULATORS.values():
        monkeypatch.setenv(variable, "")
    caches = (publishing._client, credentials.secret_manager, sealing.key_manager)
    for cache in caches:
        cache.cache_clear()
    yield Operator(cloud, capsys)
    for cache in caches:
        cache.cache_clear()


def account_of(cloud: Cloud, org_id: str, tmp_path: Path) -> Path:
    """The account of an org at the POS, as somebody writes it down."""
    [place] = [p for p in cloud.server.locations() if p["document"]["orgId"] == org_id]
    config = place["document"]["posConfig"]
    file = tmp_path / "account.json"
    file.write_text(json.dumps({k: v for k, v in config.items() if k != "status"}))
    return file


def test_an_account_is_connected_checked_synced_and_looked_at(
    sam: Operator, open_org: OpenOrg, tmp_path: Path
) -> None:
    # Given an account at a POS, and an org that the cloud does not know
    cloud, mine = sam.cloud, "org_of_mine"
    account = account_of(cloud, open_org(**SMALL), tmp_path)
    assert sam("status", mine, exits=COULD_NOT)["error"]["code"] == "could_not"

    # When it is connected, then it is synced, and its secrets stand nowhere in its settings
    told = sam("connect", mine, "--from", str(account), "--sync")
    assert told["connection"]["ok"]
    assert told["sync"]["run"]["state"] == "succeeded"
    stored = cloud.store.document(f"locations/{told['location']}")
    config = stored["posConfig"]
    assert config["password"].startswith("sealed:")
    assert json.loads(account.read_text())["password"] not in json.dumps(config)
    assert config["locationId"]

    # and how it stands, and each figure of it, is told
    assert sam("check", mine)["ok"]
    [org] = [each for each in sam("orgs") if each["orgId"] == mine]
    assert (org["state"], org["customersCount"]) == ("active", 30)
    assert {"owner", "failingSince", "lastSuccessAt"} <= org.keys()
    assert mine not in {each["orgId"] for each in sam("orgs", "--failing")}
    streams = {each["stream"]: each["freshness"] for each in sam("status", mine)["streams"]}
    assert streams["customers"] == streams["orders"] == streams["products"] == "live"
    [run] = sam("runs", mine)["runs"]
    assert sam("runs", mine, run["runId"])["run"]["streams"]["customers"]["created"] == 30
    cloud.wait("spending is computed", lambda: explained(sam, mine)["spending"]["stored"])
    found = explained(sam, mine)
    assert found["spending"]["agrees"]
    order = next(iter(cloud.store.documents(f"tenants/{mine}/orders")))
    external = order.partition("_")[2]
    assert sam("why", mine, "order", external)["order"]["orderId"] == order
    item = next(iter(cloud.store.documents(f"tenants/{mine}/products")))
    assert sam("why", mine, "product", item)["product"]["onMenu"]
    lines = sam.lines("tail", mine, "--no-follow", "--lines", "500")
    assert {"run_ended", "stream_done"} <= {line["event"] for line in lines}
    assert "succeeded" in sam.shown("runs", mine)

    # and what is stored is what the POS has
    verified = sam("verify", mine)
    assert verified["ok"], verified["differences"]
    assert verified["customers"]["stored"] == 30

    # And a wrong account is refused with whose turn it is, and nothing of it stored
    account.write_text(json.dumps({**json.loads(account.read_text()), "password": "wrong"}))
    wrong = sam("connect", "org_wrong", "--from", str(account), exits=COULD_NOT)
    assert wrong["error"]["owner"] == "org"
    assert not cloud.store.document("locations/wrong")
    # Later ticks are to pass it by.
    cloud.client.document(f"locations/{told['location']}").delete()


def explained(sam: Operator, org_id: str) -> Any:
    """The customer with the most orders."""
    people = sam.cloud.store.documents(f"tenants/{org_id}/customers")
    best = max(people, key=lambda each: people[each].get("orderCount", 0))
    return sam("why", org_id, "customer", best)["customer"]


def test_what_waits_for_an_operator_is_listed_and_decided(
    sam: Operator, open_org: OpenOrg, tmp_path: Path
) -> None:
    # Given a synced org, whose dry run has nothing to change
    cloud, org_id = sam.cloud, open_org(**SMALL)
    assert sam("sync", org_id, "--wait")["run"]["state"] == "succeeded"
    quiet = sam("sync", org_id, "--dry-run", "--streams", "products,discounts")
    assert quiet["preview"]["streams"]["products"]["changes"] == []

    # When the POS lists half of its stock, then a dry run shows it, and a sync holds the removal
    rows = cloud.pos.data(org_id)["inventory"]
    kept = {row["id_item"] for row in rows[: len(rows) // 2]}
    cloud.pos.replace(org_id, "inventory", [row for row in rows if row["id_item"] in kept])
    held = sam("sync", org_id, "--dry-run", exits=DIFFERS)
    assert held["preview"]["deletionsHeld"] > 0
    assert sam("sync", org_id, "--wait", exits=DIFFERS)["run"]["state"] == "held"
    [removal] = sam("removals", org_id)["removals"]
    assert removal["stream"] == "products"
    [incident] = sam("incidents", org_id)["incidents"]
    assert incident["key"] == "removal_held"
    assert org_id in {each["orgId"] for each in sam("incidents")["incidents"]}
    assert sam("removals", org_id, "approve", exits=COULD_NOT)["error"]["owner"] == "caller"

    # and approved it is made
    sam("removals", org_id, "approve", "--wait", "--yes")
    products = cloud.store.documents(f"tenants/{org_id}/products")
    gone = [key for key, fields in products.items() if fields.get("removedFromPosAt")]
    assert len(gone) == removal["count"]
    assert sam("removals", org_id)["removals"] == []

    # And a message that can never be processed waits, is sent again, and is not another one then
    cloud.stack.publish("pos-sync", {"orgId": org_id, "runId": "never", "trigger": "nobody"})
    cloud.wait("it is recorded", lambda: sam("dead-letters", "--org", org_id)["letters"])
    for _ in range(2):
        [*_, letter] = sam("dead-letters", "--org", org_id)["letters"]
        assert sam("dead-letters", "replay", letter["id"])["replay"]["sent"] == 1
    sam("dead-letters", "replay", "nothing", exits=COULD_NOT)
    assert len(sam("dead-letters", "--org", org_id)["letters"]) <= 2
    sam("replay", "dead-letters", "--org", org_id)
    sam("replay", "quarantine", "--org", org_id)
    sam("quarantine", org_id)

    # And the org is paused and resumed, and its secrets are replaced if the POS takes the new ones
    assert sam("pause", org_id, "--yes")["status"] == "paused"
    assert sam("status", org_id)["locations"][0]["status"] == "paused"
    assert sam("resume", org_id)["status"] == "active"
    new = tmp_path / "password"
    new.write_text("not the password\n")
    rotate = ("secret", "rotate", org_id, "password", "--from", str(new))
    assert sam(*rotate, exits=COULD_NOT)["error"]["owner"] == "org"
    account = json.loads(account_of(cloud, org_id, tmp_path).read_text())
    new.write_text(f"{account['password']}\n")
    assert sam(*rotate)["connection"]["ok"]
    assert sam("check", org_id)["ok"]

    # And whatever was changed is in the audit log
    done = sam("audit", org_id)["actions"]
    assert {each["by"] for each in done} == {"sync-sam"}
    assert {each["action"] for each in done} == {
        *("sync_started", "dry_run_started", "removal_approved", "dead_letter_replayed"),
        *("quarantine_replayed", "location_paused", "location_resumed", "location_changed"),
    }


def test_webhooks_exports_and_tokens(sam: Operator, open_org: OpenOrg, tmp_path: Path) -> None:
    # Given
    cloud, org_id = sam.cloud, open_org(**SMALL)
    sam("sync", org_id, "--wait")

    # When its POS has a secret, then a signed sample arrives and its record is fetched
    made = sam("secret", "rotate", org_id, "webhookSecret")["secret"]
    [address] = sam("webhook", org_id, "url")["addresses"]
    assert (address["secret"], address["signed"]) == (made, True)
    assert address["url"].endswith(f"/api/webhooks/alleaves/{org_id}")
    url = cloud.stack.functions["webhooks"]
    [trial] = sam("webhook", org_id, "test", "--url", url)["trials"]
    assert (trial["status"], trial["state"]) == (200, "done")

    # And the export of a web shop is imported, but for a row that cannot be read
    file = tmp_path / "export.csv"
    file.write_text(export([ExportedOrder(20).costing(40_00)]) + "21;x\r\n", newline="")
    dry = sam("import-ecom", org_id, str(file), "--dry-run", exits=DIFFERS)
    told = sam("import-ecom", org_id, str(file), exits=DIFFERS)
    assert (dry["created"], told["created"], told["badRows"]) == (1, 1, 1)
    assert told["leftOut"][0]["firstLine"] > 1

    assert sam("discrepancies", org_id)["discrepancies"] == []

    # And somebody who asks for it is forgotten, once that is confirmed
    person = next(iter(cloud.store.documents(f"tenants/{org_id}/customers")))
    assert sam("erase", org_id, person, "--yes")["done"]
    assert person not in cloud.store.documents(f"tenants/{org_id}/customers")
    done = sam("audit", org_id)["actions"]
    assert [each["action"] for each in done[:2]] == ["customer_erased", "export_imported"]
    assert person not in json.dumps(done)

    looked = sam("doctor")
    assert looked["ok"], looked

    # And somebody may call the functions
    assert sam("token")["role"] == "super_user"
    token = sam("token", "--org", org_id)
    assert (token["role"], token["orgId"]) == ("dispensary_admin", org_id)


def test_every_command_was_used() -> None:
    assert Operator.used == set(COMMANDS)
