"""``sync-sam``: what holds for every command, and where it works."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import google.auth
import jsonschema
import pytest
import typer
from google.api_core.exceptions import PermissionDenied, RetryError, ServiceUnavailable
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from typer.testing import CliRunner

from deploy.local.paths import ROOT
from deploy.sam import frame, target
from deploy.sam.app import app, main
from deploy.sam.frame import COMMANDS, COULD_NOT, DONE, output
from deploy.sam.google import NotAnswered, signed_in
from deploy.sam.orgs import OrgsAnswer, StatusAnswer
from deploy.sam.target import CommandTarget, NoTarget, find_target
from shared.bootstrap.settings import FunctionSettings
from shared.domain.org_health import Freshness, OrgState
from shared.errors import RateLimited, SyncSamError
from shared.store.database import Database, TimedOut
from shared.web.routes.orgs import StreamHealthView
from tests.documents_in_memory import DocumentsInMemory
from tests.fakes import START

ORG, OPERATOR = "org_harbor", "operator@example.com"
WORDS = sorted(COMMANDS)


def google_error(kind: Callable[..., Exception], *given: object) -> Exception:
    return kind(*given)


NO_HOST = google_error(ServiceUnavailable, "no such host")
NO_TOKEN = google_error(ServiceUnavailable, "Getting metadata from plugin failed: invalid_grant")


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> DocumentsInMemory:
    """The documents that the commands find, one org among them."""
    database = DocumentsInMemory()
    found = CommandTarget("demo-sam")
    vars(found)["store"] = database
    monkeypatch.setattr(frame, "find_target", lambda project, name: found)
    monkeypatch.setattr(target, "signed_in", lambda: OPERATOR)
    database.put(f"tenants/{ORG}", {"name": "Harbor"})
    return database


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the local cloud says what it is; its variables are taken back."""
    file = tmp_path / "stack.json"
    monkeypatch.setattr(target, "STACK_FILE", file)
    for variable in target.EMULATORS.values():
        monkeypatch.setenv(variable, "before")
    return file


def stack(**fields: Any) -> str:
    whole = {
        "pid": os.getpid(),
        "project": "demo-1",
        "firestore": "127.0.0.1:1",
        "pubsub": "127.0.0.1:2",
        "tasks": "127.0.0.1:3",
        "secretManager": "127.0.0.1:4",
        "kms": "127.0.0.1:7",
        "console": "http://127.0.0.1:5",
        "logs": ".local/logs",
    }
    return json.dumps(whole | fields)


@pytest.mark.parametrize("words", WORDS)
def test_the_help_of_every_command_says_what_it_does_and_ends_with_an_example(words: str) -> None:
    shown = CliRunner().invoke(app, [*words.split(), "--help"])
    assert shown.exit_code == DONE
    assert f"Example: sync-sam {words}" in shown.output
    assert "--json" in shown.output
    assert "--project" in shown.output
    about = shown.output.split("\n\n")[1].strip()
    assert len(about) > 20, "it says what the command does"


@pytest.mark.parametrize("words", WORDS)
def test_the_example_of_every_command_is_one_that_it_takes(words: str) -> None:
    given = COMMANDS[words].example.split()
    command: Any = typer.main.get_command(app)
    for word in words.split():
        command = command.commands[word]
    command.make_context(words, given).close()


@pytest.mark.parametrize("words", WORDS)
def test_the_json_of_every_command_has_a_schema(words: str) -> None:
    printed = CliRunner().invoke(app, ["schema", *words.split()])
    schema = json.loads(printed.output)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema.get("description"), "the answer is documented"


def test_a_command_that_there_is_not_has_no_schema() -> None:
    assert CliRunner().invoke(app, ["schema", "orsg"]).exit_code == COULD_NOT


def test_without_a_local_cloud_or_a_project_it_says_what_to_do(
    stack_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["connect", ORG]) == COULD_NOT  # before it asks anything
    assert "make local" in capsys.readouterr().err
    assert main(["orgs"]) == COULD_NOT
    said = capsys.readouterr()
    assert said.out == ""
    assert "make local" in said.err
    assert "--project" in said.err
    assert main(["orgs", "--json"]) == COULD_NOT
    told = json.loads(capsys.readouterr().out)
    assert (told["error"]["code"], told["error"]["owner"]) == ("no_target", "caller")


def test_the_local_cloud_is_found_and_its_emulators_named(stack_file: Path) -> None:
    stack_file.write_text(stack(auth="127.0.0.1:6"))
    found = find_target(None)
    assert (found.project, found.name) == ("demo-1", "the local cloud")
    told = {name: os.environ[variable] for name, variable in target.EMULATORS.items()}
    assert set(told.values()) == {f"127.0.0.1:{n}" for n in (1, 2, 3, 4, 6, 7)}
    assert found.logs == ROOT / ".local/logs"
    assert found.origin == "http://127.0.0.1:5"


def test_what_a_dead_local_cloud_has_left_is_none(stack_file: Path) -> None:
    stack_file.write_text(stack(pid=2**22 + 1))
    with pytest.raises(NoTarget):
        find_target(None)
    stack_file.write_text("{")
    with pytest.raises(NoTarget, match="not readable"):
        find_target(None)


def test_a_project_is_worked_on_as_it_is_deployed() -> None:
    found = find_target("harbor-prod", "restored")
    assert found.name == "project harbor-prod"
    assert found.origin == "https://harbor-prod.web.app"
    assert found.topic("pos-sync") == "projects/harbor-prod/topics/pos-sync"
    settings = found.settings_of("dashboard", FunctionSettings)
    assert (settings.google_cloud_project, settings.firestore_database) == (
        "harbor-prod",
        "restored",
    )
    with pytest.raises(target.OnlyLocal):
        _ = found.logs


def test_an_org_that_there_is_not_is_said_so(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["incidents", "org_hrabor"]) == COULD_NOT
    said = capsys.readouterr().err
    assert "there is no org org_hrabor" in said.lower()
    assert "sync-sam orgs" in said


@pytest.mark.parametrize(
    ("error", "owner", "says"),
    [
        (SyncSamError("it broke"), "us", "It broke."),
        (TimedOut(), "us", "TimedOut"),
        (RateLimited("six", retry_after=61), "caller", "Six. Try again in 2 minutes. It is"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), "caller", "x.json: No such"),
        (RefreshError("invalid_grant"), "caller", "expired or is refused: `gcloud auth"),
        (TransportError("no route"), "caller", "see that there is a network"),
        (DefaultCredentialsError("none"), "caller", "Nobody is signed in at Google"),
        (
            google_error(RetryError, "Timeout", NO_TOKEN),
            "caller",
            "The sign-in at Google does not work",
        ),
        (google_error(RetryError, "30 s", NO_HOST), "us", "does not answer: 503 no such host"),
        (google_error(PermissionDenied, "Missing."), "caller", "does not let you: Missing. docs/"),
        (ZeroDivisionError("by zero"), "us", "was not foreseen"),
    ],
)
def test_whatever_fails_is_told_with_whose_turn_it_is(
    stored: DocumentsInMemory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    owner: str,
    says: str,
) -> None:
    def failing(self: Database, path: str) -> Any:
        raise error

    monkeypatch.setattr(DocumentsInMemory, "get", failing)
    assert main(["runs", ORG, "run-1", "--json"]) == COULD_NOT
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["owner"] == owner
    assert says in told["message"]
    assert "turn" in told["message"]


def test_what_destroys_asks_and_does_nothing_where_nobody_can_be_asked(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {"orgId": ORG, "posConfig": {"provider": "alleaves", "status": "active"}}
    stored.put("locations/main", place)
    assert main(["pause", ORG]) == COULD_NOT
    assert "--yes" in capsys.readouterr().err
    assert stored.fields("locations/main") == place
    assert main(["pause", ORG, "--yes"]) == DONE
    assert stored.fields("locations/main")["posConfig"]["status"] == "paused"


def test_the_audit_log_says_which_account_has_given_a_command(
    stored: DocumentsInMemory,
) -> None:
    stored.put("locations/main", {"orgId": ORG, "posConfig": {"provider": "alleaves"}})

    assert main(["pause", ORG, "--yes"]) == DONE

    entries = stored.collection(f"tenants/{ORG}/audit").values()
    assert [(each["by"], each["action"], each["target"]) for each in entries] == [
        (f"sync-sam:{OPERATOR}", "location_paused", "main")
    ]


def test_a_service_account_is_known_by_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    account = "release@demo.iam.gserviceaccount.com"
    credentials = SimpleNamespace(service_account_email=account)
    monkeypatch.setattr(google.auth, "default", lambda scopes: (credentials, "demo"))

    assert signed_in() == account


def test_nothing_is_changed_in_a_project_where_google_does_not_say_who_is_signed_in(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise NotAnswered("https://openidconnect.googleapis.com/v1/userinfo", 401)

    monkeypatch.setattr(target, "signed_in", nobody)
    place = {"orgId": ORG, "posConfig": {"provider": "alleaves", "status": "active"}}
    stored.put("locations/main", place)

    assert main(["pause", ORG, "--yes"]) == COULD_NOT

    assert "who is signed in" in capsys.readouterr().err
    assert stored.fields("locations/main") == place


def test_a_run_is_shown_to_people_and_to_programs(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "provider_failed", "owner": "provider", "message": "The POS failed."}
    run = {"state": "partial", "trigger": "cron", "startedAt": START, "errors": [error]}
    stored.put(f"tenants/{ORG}/sync_runs/run-1", run)
    assert main(["runs", ORG, "run-1"]) == DONE
    assert "The POS failed. It is the POS provider's turn" in capsys.readouterr().out
    assert main(["runs", ORG, "run-1", "--json"]) == DONE
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, COMMANDS["runs"].answer.model_json_schema(by_alias=True))
    assert told["run"]["problems"][0]["code"] == "provider_failed"


def test_why_is_answered_in_words_and_as_json(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    stored.put(f"tenants/{ORG}/customers/7", {"id": "7", "source": "alleaves"})
    order = {"customerId": "7", "status": "completed", "total": 40.0, "createdAt": START}
    stored.put(f"tenants/{ORG}/orders/alleaves_1", order)
    assert main(["why", ORG, "customer", "7"]) == DONE
    shown = capsys.readouterr().out
    assert "Spent $40.00 over 1 order, " in shown
    assert "→ " in shown
    for kind, record in (("customer", "7"), ("order", "1")):
        assert main(["why", ORG, kind, record, "--json"]) == DONE
        told = json.loads(capsys.readouterr().out)
        jsonschema.validate(told, COMMANDS["why"].answer.model_json_schema(by_alias=True))
    assert main(["why", ORG, "product", "none"]) == COULD_NOT


def test_why_says_in_words_what_is_there_and_nothing_of_what_is_not(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"recency": 5, "frequency": 4}
    customer = {"id": "7", "source": "alleaves", "rfm": {"scores": scores}}
    stored.put(f"tenants/{ORG}/customers/7", customer)
    order = {"customerId": "7", "status": "completed", "total": 40.0, "createdAt": START}
    stored.put(f"tenants/{ORG}/orders/alleaves_1", order)
    product = {"id": "9", "name": "Haze", "category": "Flower", "price": 24.5, "cost": 7.5}
    stored.put(f"tenants/{ORG}/products/9", {**product, "priceSource": "otd"})

    assert main(["why", ORG, "customer", "7"]) == DONE
    assert "scores recency 5, frequency 4" in capsys.readouterr().out
    assert main(["why", ORG, "product", "9"]) == DONE
    assert "Cost $7.50.\n" in capsys.readouterr().out


def test_a_status_says_once_what_fails_all_streams(capsys: pytest.CaptureFixture[str]) -> None:
    refused, other = "The POS does not accept the sign-in.", "The orders' list ended early."
    streams = [
        StreamHealthView.model_construct(
            stream=name, freshness=Freshness.FAILED, count=1, last_success_at=None, problem=problem
        )
        for name, problem in (("customers", refused), ("products", refused), ("orders", other))
    ]
    stands = StatusAnswer.model_construct(
        org_id=ORG,
        state=OrgState.ERROR,
        last_error=refused,
        streams=streams,
        customers_count=1,
        orders_count=1,
        menu_products_count=1,
        deletions_held=0,
        quarantined=0,
        locations=[],
        warnings=[],
    )
    stands.show(output())
    shown = capsys.readouterr().out
    assert (shown.count(refused), shown.count(other)) == (1, 1)


def test_where_no_org_is_so_it_says_what_there_is_to_do(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert OrgsAnswer(()).exit_code == DONE
    OrgsAnswer(()).show(output())
    assert "sync-sam connect ORG" in capsys.readouterr().out


def test_points_that_differ_are_listed_and_noted_as_reviewed(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"pointsFromOrders": 400, "pointsFromAlpine": 500, "loyaltyDiscrepancy": 100}
    known = {"tierSource": "alpine_iq", "loyaltyReconciled": False, "alpineUserId": "u"}
    stored.put(f"tenants/{ORG}/customers/7", {"id": "7", **figures, **known})
    assert main(["discrepancies", ORG, "reviewed"]) == COULD_NOT
    assert main(["discrepancies", ORG, "reviewed", "7"]) == DONE
    capsys.readouterr()
    assert main(["discrepancies", ORG, "--json"]) == DONE
    [told] = json.loads(capsys.readouterr().out)["discrepancies"]
    assert (told["fromOrders"], told["atProvider"], told["difference"]) == (400, 500, 100)
    assert told["reviewedAt"]


def test_an_account_is_refused_before_the_pos_is_asked(
    stored: DocumentsInMemory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "account.json"
    for text, says in (
        ("{", "is not JSON"),
        ("[]", "a JSON object"),
        ('{"provider": "square"}', "is none of alleaves, lightspeed"),
        ('{"provider": "alleaves", "usrname": "x"}', "unknown field usrname"),
    ):
        file.write_text(text)
        assert main(["connect", ORG, "--from", str(file)]) == COULD_NOT
        assert says in capsys.readouterr().err
    assert main(["connect", ORG]) == COULD_NOT
    assert "--from FILE" in capsys.readouterr().err
    assert stored.collection("locations") == {}


def test_the_command_is_found_from_any_folder_and_by_a_link(tmp_path: Path) -> None:
    # Given a clone whose .venv has the command
    bin_folder = tmp_path / "clone/.venv/bin"
    bin_folder.mkdir(parents=True)
    for name in ("deploy", "shared"):
        (tmp_path / "clone" / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "deploy/sam/sync-sam", bin_folder)
    python = bin_folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{ROOT}/.venv/bin/python" "$@"\n')
    python.chmod(0o755)
    link = tmp_path / "sam"
    link.symlink_to(bin_folder / "sync-sam")
    # And a folder that has packages of the same names
    elsewhere = tmp_path / "elsewhere"
    for name in ("deploy", "shared"):
        (elsewhere / name).mkdir(parents=True)
        (elsewhere / name / "__init__.py").write_text("raise SystemExit('not meant')\n")
    # When
    ended = subprocess.run(
        [str(link), "--help"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Then
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert "Example: sync-sam orgs --failing" in ended.stdout


def test_the_secret_of_webhooks_is_made_printed_and_used_for_the_address(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given an org whose POS has no secret yet
    config = {"provider": "alleaves", "status": "active", "apiKey": "secret:pos-org_harbor-key"}
    stored.put("locations/main", {"orgId": ORG, "posConfig": {**config, "locationId": "1000"}})
    # When one is made
    assert main(["secret", "rotate", ORG, "posConfig.webhookSecret", "--json"]) == DONE
    made = json.loads(capsys.readouterr().out)["secret"]
    # Then it is the location's, and what the POS is to be given
    assert stored.fields("locations/main")["posConfig"]["webhookSecret"] == made
    assert main(["webhook", ORG, "url", "--json"]) == DONE
    [told] = json.loads(capsys.readouterr().out)["addresses"]
    assert told == {
        "provider": "alleaves",
        "url": f"https://demo-sam.web.app/api/webhooks/alleaves/{ORG}",
        "secret": made,
        "signed": True,
    }
    assert main(["secret", "rotate", ORG, "pos"]) == COULD_NOT
    assert "password" in capsys.readouterr().err


def test_removals_and_quarantine_are_listed_and_decided_by_id(
    stored: DocumentsInMemory, capsys: pytest.CaptureFixture[str]
) -> None:
    hold = {"reason": "12 of 40 are gone", "count": 2, "id": "r1", "recordIds": ["p1", "p2"]}
    stored.put(f"tenants/{ORG}/sync_state/progress", {"holds": {"products": hold}})
    stored.put(f"tenants/{ORG}/products/p1", {"name": "Pine"})
    bad = {"stream": "orders", "errorCode": "bad_money", "message": "total: none", "raw": "{}"}
    stored.put(f"tenants/{ORG}/quarantine/orders_alleaves_7", bad)
    assert main(["removals", ORG, "--json"]) == DONE
    [told] = json.loads(capsys.readouterr().out)["removals"]
    assert (told["id"], told["count"]) == ("r1", 2)
    assert [record["name"] for record in told["records"]] == ["Pine", None]
    assert main(["removals", ORG]) == DONE
    assert "sync-sam removals org_harbor approve" in capsys.readouterr().out
    assert main(["removals", ORG, "approve"]) == COULD_NOT
    assert "--yes" in capsys.readouterr().err
    assert main(["removals", ORG, "refuse", "--id", "r2"]) == COULD_NOT
    assert main(["quarantine", ORG]) == DONE
    shown = capsys.readouterr().out
    assert "bad_money" in shown
    assert "sync-sam replay quarantine" in shown
