"""What the Terraform configuration makes of the manifest, by its parsed text.

Whether it is valid besides only terraform itself can say.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import hcl2
import pytest

from deploy.manifest import Manifest, Value
from deploy.resources import FirestoreTrigger, PlainValue, TopicTrigger
from shared.domain.org_secrets import name_prefix
from shared.pos.lightspeed.webhooks import ADDRESS_PATH
from tests.deployment import IGNORE_FILE, ROOT, deployed_files

FOLDER = ROOT / "deploy" / "terraform"
MANIFEST = Manifest.read()
DOORS = {"admin_api", "manual_sync", "loyalty_api", "webhooks", "dashboard"}
FUNCTION_NAME = "${google_cloudfunctions2_function.function[each.key].name}"

Block = Mapping[str, Any]


class Configuration:
    """All files of the folder. Expressions are text as ``${…}``, texts have no quotes."""

    def __init__(self, folder: Path) -> None:
        self.texts = {path.name: path.read_text() for path in sorted(folder.glob("*.tf"))}
        parsed = [_plain(hcl2.loads(text)) for text in self.texts.values()]
        self.resources: dict[str, Block] = {
            f"{kind}.{name}": block
            for each in parsed
            for resource in each.get("resource", ())
            for kind, named in resource.items()
            for name, block in named.items()
        }
        self.locals: dict[str, Any] = {
            name: value
            for each in parsed
            for block in each.get("locals", ())
            for name, value in block.items()
        }

    def of_kind(self, *suffixes: str) -> Iterator[tuple[str, Block]]:
        """The resources whose kind ends like that."""
        for address, block in self.resources.items():
            if address.partition(".")[0].endswith(suffixes):
                yield address, block


def _plain(value: Any) -> Any:
    """Without the quotes and marks of the parser."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if not name.startswith("__")}
        return {name.strip('"'): _plain(each) for name, each in kept.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


@pytest.fixture(scope="module")
def terraform() -> Configuration:
    return Configuration(FOLDER)


@pytest.fixture(scope="module")
def function(terraform: Configuration) -> Block:
    """The resource that all functions are made by."""
    return terraform.resources["google_cloudfunctions2_function.function"]


def event_functions() -> dict[str, str]:
    """Which invoker each function with an event trigger has, by the function's name."""
    found = {}
    for name, each in MANIFEST.functions.items():
        match each.trigger:
            case TopicTrigger():
                found[name] = "push"
            case FirestoreTrigger():
                found[name] = "eventarc"
    return found


def test_every_function_of_the_manifest_is_deployed(
    terraform: Configuration, function: Block
) -> None:
    assert function["for_each"] == "${local.functions}"
    # But one that watches documents, where a deployment leaves that out.
    assert (
        "for name, own in local.manifest.functions : name => merge("
        in (terraform.locals["functions"])
    )
    assert terraform.locals["functions"].endswith(
        "if var.watch_orders || !can(own.trigger.firestore)}}"
    )
    assert function["name"] == "${each.value.service}"
    assert function["build_config"][0]["entry_point"] == "${each.key}"
    [source] = [function["build_config"][0]["environment_variables"]]
    assert source == {"GOOGLE_FUNCTION_SOURCE": "functions/${each.key}/main.py"}


def test_every_function_acts_as_an_account_of_its_own(
    terraform: Configuration, function: Block
) -> None:
    account = terraform.resources["google_service_account.function"]
    assert account["for_each"] == "${local.functions}"
    assert account["account_id"] == "${local.defaults.account_prefix}-${each.value.service}"
    used = function["service_config"][0]["service_account_email"]
    assert used == "${google_service_account.function[each.key].email}"


@pytest.mark.parametrize(
    "account", [*MANIFEST.accounts, *(each.service for each in MANIFEST.functions.values())]
)
def test_the_name_of_an_account_is_one_that_google_takes(account: str) -> None:
    name = MANIFEST.account(account, "p").partition("@")[0]
    assert re.fullmatch(r"[a-z][-a-z0-9]{4,28}[a-z0-9]", name)


def test_the_names_of_accounts_are_those_that_functions_are_told(terraform: Configuration) -> None:
    shared = terraform.resources["google_service_account.shared"]
    assert shared["for_each"] == "${toset(local.manifest.accounts)}"
    assert shared["account_id"] == "${local.defaults.account_prefix}-${each.key}"
    told = "${local.defaults.account_prefix}-${name}@${var.project}.iam.gserviceaccount.com"
    assert told in terraform.locals["addresses"]


@pytest.mark.parametrize(
    ("group", "test"), [("topic_functions", "topic"), ("document_functions", "documents")]
)
def test_functions_are_told_apart_by_their_trigger(
    terraform: Configuration, group: str, test: str
) -> None:
    chosen = f"name => function if function.{test} != null"
    assert terraform.locals[group] == f"${{{{for name, function in local.functions : {chosen}}}}}"
    read = {"topic": "own.trigger.topic", "documents": "own.trigger.firestore"}[test]
    assert f"{test} = try({read}, null)" in terraform.locals["functions"]


@pytest.mark.parametrize("name", sorted(event_functions()))
def test_every_event_function_may_be_invoked_by_who_brings_its_events(
    terraform: Configuration, name: str
) -> None:
    who = event_functions()[name]
    invoker = terraform.resources[f"google_cloud_run_v2_service_iam_member.{who}"]
    groups = {"push": "${local.topic_functions}", "eventarc": "${local.document_functions}"}
    assert invoker["for_each"] == groups[who]
    assert (invoker["name"], invoker["role"]) == (FUNCTION_NAME, "roles/run.invoker")
    assert invoker["member"] == f'${{google_service_account.shared["{who}"].member}}'
    assert who in MANIFEST.accounts


def test_nothing_is_public_but_the_doors(terraform: Configuration, function: Block) -> None:
    # Given
    public = "google_cloud_run_v2_service_iam_member.public"
    # Then the doors are, by the manifest
    assert {name for name, each in MANIFEST.functions.items() if each.public} == DOORS
    assert terraform.resources[public] == {
        "for_each": "${local.public_functions}",
        "location": "${local.region}",
        "name": FUNCTION_NAME,
        "role": "roles/run.invoker",
        "member": "allUsers",
    }
    chosen = "${{for name, function in local.functions : name => function if function.public}}"
    assert terraform.locals["public_functions"] == chosen
    assert "public = false" in terraform.locals["functions"]
    # and nobody else is named
    text = "".join(terraform.texts.values())
    assert text.count("allUsers") == 1
    assert "allAuthenticatedUsers" not in text
    ingress = function["service_config"][0]["ingress_settings"]
    assert ingress == '${each.value.public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"}'


def test_every_function_is_given_each_kind_of_variable(
    terraform: Configuration, function: Block
) -> None:
    given = function["service_config"][0]["environment_variables"]
    assert given == "${local.environment[each.key]}"
    kinds = {next(iter(each.model_fields)) for each in get_args(Value)}
    resolved = terraform.locals["environment"]
    assert {kind for kind in kinds if f"local.manifest.env[variable].{kind}" in resolved} == kinds
    assert "for variable in function.env : variable =>" in resolved
    every = "env = concat(local.defaults.env, try(own.env, []))"
    assert every in terraform.locals["functions"]


@pytest.mark.parametrize("name", sorted(MANIFEST.functions))
def test_a_function_works_on_as_many_requests_as_it_is_sent(name: str) -> None:
    each = MANIFEST.functions[name]
    environment = MANIFEST.environment(each, "p")
    assert environment["THREADS"] == str(each.concurrency)
    assert environment["PYTHONPATH"] == "/workspace"
    # fewer would do for a part of a CPU only
    assert each.concurrency == 1 or each.cpu >= 1


def test_a_function_is_given_its_limits(function: Block) -> None:
    config = function["service_config"][0]
    assert config["available_memory"] == "${each.value.memory_mb}Mi"
    assert config["available_cpu"] == "${tostring(each.value.cpu)}"
    names = ("timeout_seconds", "min_instances", "max_instances", "concurrency")
    assert [
        config["timeout_seconds"],
        config["min_instance_count"],
        config["max_instance_count"],
        config["max_instance_request_concurrency"],
    ] == [f"${{each.value.{name}}}" for name in names]


def test_a_new_version_of_a_secret_reaches_the_functions(
    terraform: Configuration, function: Block
) -> None:
    [dynamic] = function["service_config"][0]["dynamic"]
    secret = dynamic["secret_environment_variables"]
    assert secret["for_each"] == "${toset(each.value.secrets)}"
    assert secret["content"][0]["version"].startswith("${lookup(var.secret_versions, ")
    assert {each.version for each in MANIFEST.secrets.values()} == {"latest"}
    kept = terraform.resources["google_secret_manager_secret.secret"]
    assert kept["for_each"] == "${local.manifest.secrets}"
    assert not list(terraform.of_kind("secret_version"))


@pytest.mark.parametrize("name", sorted(n for n, who in event_functions().items() if who == "push"))
def test_every_function_on_a_topic_has_its_subscription_by_the_name_of_the_local_cloud(
    terraform: Configuration, name: str
) -> None:
    # When
    push = terraform.resources["google_pubsub_subscription.push"]
    each = MANIFEST.functions[name]
    # Then
    assert push["for_each"] == "${local.topic_functions}"
    assert push["name"].replace("${each.value.service}", each.service) == each.subscription_id
    assert push["topic"] == "${google_pubsub_topic.topic[each.value.topic].id}"


def test_a_subscription_has_the_policy_of_the_manifest(terraform: Configuration) -> None:
    push = terraform.resources["google_pubsub_subscription.push"]
    policy = "local.policies[each.key]"
    assert push["ack_deadline_seconds"] == f"${{{policy}.ack_deadline_seconds}}"
    assert push["message_retention_duration"] == f"${{{policy}.retention_seconds}}s"
    assert push["retry_policy"] == [
        {
            "minimum_backoff": f"${{{policy}.min_backoff_seconds}}s",
            "maximum_backoff": f"${{{policy}.max_backoff_seconds}}s",
        }
    ]
    assert push["expiration_policy"] == [{"ttl": ""}]
    [token] = push["push_config"][0]["oidc_token"]
    assert token["service_account_email"] == '${google_service_account.shared["push"].email}'
    [dynamic] = push["dynamic"]
    assert "local.given_up[each.key]" in dynamic["dead_letter_policy"]["for_each"]


def test_whatever_gives_messages_up_may_publish_and_acknowledge_them(
    terraform: Configuration,
) -> None:
    # Given
    takes = terraform.resources["google_pubsub_subscription_iam_member.dead_letters"]
    gives = terraform.resources["google_pubsub_topic_iam_member.dead_letters"]
    # Then of all subscriptions, Eventarc's too, that have a dead-letter topic
    given_up = "${{for name, policy in local.policies : name => policy if "
    assert terraform.locals["given_up"].startswith(given_up + "policy.dead_letter_topic != null")
    assert "merge(local.topic_functions, local.document_functions)" in terraform.locals["policies"]
    assert (takes["for_each"], takes["role"]) == ("${local.given_up}", "roles/pubsub.subscriber")
    assert gives["role"] == "roles/pubsub.publisher"
    assert gives["for_each"].endswith("policy in local.given_up : policy.dead_letter_topic])}")
    assert takes["member"] == gives["member"] == "${local.pubsub_agent}"


def test_the_subscription_that_eventarc_makes_gets_the_policy_too(terraform: Configuration) -> None:
    change = terraform.resources["terraform_data.eventarc_policy"]
    command = change["provisioner"][0]["local-exec"]["command"]
    for option in (
        "--ack-deadline",
        "--message-retention-duration",
        "--min-retry-delay",
        "--max-retry-delay",
        "--dead-letter-topic",
        "--max-delivery-attempts",
    ):
        assert f'{option}="${{each.value.' in command
    trigger = terraform.resources["google_eventarc_trigger.documents"]
    assert trigger["for_each"] == "${local.document_functions}"
    wanted = {each["attribute"]: each["value"] for each in trigger["matching_criteria"]}
    assert wanted == {
        "type": "google.cloud.firestore.document.v1.${each.value.documents.event}",
        "database": "${var.database}",
        "document": "${each.value.documents.document}",
    }


@pytest.mark.parametrize(
    ("resource", "what"),
    [
        ("google_pubsub_topic.topic", "${toset(local.manifest.topics)}"),
        ("google_cloud_tasks_queue.queue", "${local.manifest.queues}"),
        ("google_cloud_scheduler_job.schedule", "${local.manifest.schedules}"),
        ("google_logging_metric.counter", "${local.manifest.log_metrics}"),
        ("google_monitoring_alert_policy.alert", "${local.manifest.alerts}"),
        ("google_monitoring_slo.objective", "${local.manifest.objectives}"),
        ("google_pubsub_topic_iam_member.publisher", "${local.publications}"),
        ("google_cloud_tasks_queue_iam_member.enqueuer", "${local.enqueuings}"),
        ("google_service_account_iam_member.acts_for_tasks", "${local.enqueuings}"),
        ("google_secret_manager_secret_iam_member.reader", "${local.secret_readings}"),
    ],
)
def test_all_that_the_manifest_lists_is_made_of_it(
    terraform: Configuration, resource: str, what: str
) -> None:
    assert terraform.resources[resource]["for_each"] == what


def test_no_name_of_the_manifest_is_written_twice(terraform: Configuration) -> None:
    names = {
        *MANIFEST.functions,
        *(each.service for each in MANIFEST.functions.values()),
        *MANIFEST.topics,
        *MANIFEST.queues,
        *MANIFEST.schedules,
        *MANIFEST.env,
        *MANIFEST.secrets,
    }
    values = [each.value for each in MANIFEST.env.values() if isinstance(each, PlainValue)]
    literals = set(re.findall(r'"([^"$]*)"', "".join(terraform.texts.values())))
    assert literals.isdisjoint({*names, *values})


def test_schedules_are_last_and_begin_paused(terraform: Configuration) -> None:
    schedule = terraform.resources["google_cloud_scheduler_job.schedule"]
    assert schedule["paused"] is True
    assert schedule["lifecycle"] == [{"ignore_changes": ["paused"]}]
    assert schedule["depends_on"] == ["${google_pubsub_subscription.push}"]


def test_a_function_finds_its_permissions_and_indexes(function: Block) -> None:
    waits_for = {each.strip("${}") for each in function["depends_on"]}
    assert waits_for >= {
        "google_firestore_index.index",
        "google_firestore_field.field",
        "terraform_data.all_fields",
        "google_project_iam_member.firestore",
        "google_pubsub_topic_iam_member.publisher",
        "google_cloud_tasks_queue_iam_member.enqueuer",
        "google_secret_manager_secret_iam_member.reader",
        "google_service_account_iam_member.acts_for_tasks",
    }


PROJECT_WIDE = {
    "build": "${each.key}",
    "firestore": "${local.firestore_roles[each.value.firestore]}",
    "sessions": "roles/firebaseauth.viewer",
    "begins_sessions": "${google_project_iam_custom_role.begins_sessions.name}",
    "eventarc": "roles/eventarc.eventReceiver",
    "org_secrets": "roles/secretmanager.secretAccessor",
    "replaced_secrets": "roles/secretmanager.secretVersionManager",
}


def test_what_holds_for_the_whole_project_is_listed_here(terraform: Configuration) -> None:
    granted = {
        address.rpartition(".")[2]: block["role"]
        for address, block in terraform.of_kind("google_project_iam_member")
    }
    assert granted == PROJECT_WIDE
    assert terraform.locals["firestore_roles"] == {
        "read": "roles/datastore.viewer",
        "write": "roles/datastore.user",
    }
    # Of documents those of one database, of secrets those that orgs may name.
    by_name = {name: terraform.resources[f"google_project_iam_member.{name}"] for name in granted}
    assert "databases/${var.database}" in by_name["firestore"]["condition"][0]["expression"]
    for name in ("org_secrets", "replaced_secrets"):
        assert "secrets/${local.org_secret_prefix}" in by_name[name]["condition"][0]["expression"]
    own_role = terraform.resources["google_project_iam_custom_role.begins_sessions"]
    assert own_role["permissions"] == [
        "firebaseauth.users.createSession",
        "firebaseauth.users.update",
    ]
    # Nothing replaces what others have granted.
    assert not list(terraform.of_kind("_iam_binding", "_iam_policy"))


def test_who_reads_secrets_opens_sealed_ones_and_who_replaces_them_seals(
    terraform: Configuration,
) -> None:
    granted = {
        address.rpartition(".")[2]: (block["role"], block["for_each"])
        for address, block in terraform.of_kind("google_kms_crypto_key_iam_member")
    }
    which = "${{for name, function in local.functions : name => function if function.%s}}"
    assert granted == {
        "opens": ("roles/cloudkms.cryptoKeyDecrypter", which % "org_secrets"),
        "seals": ("roles/cloudkms.cryptoKeyEncrypter", which % "replaces_secrets"),
    }
    for function in MANIFEST.functions.values():
        assert function.org_secrets == ("SECRETS_KEY" in function.env)
    key = terraform.resources["google_kms_crypto_key.key"]
    assert key["lifecycle"][0]["prevent_destroy"] is True


def test_no_secret_of_the_deployment_can_be_named_by_the_settings_of_an_org(
    terraform: Configuration,
) -> None:
    prefix = terraform.locals["org_secret_prefix"]
    assert prefix
    assert name_prefix("org_harbor").startswith(prefix)
    own = [each.secret for each in MANIFEST.secrets.values()]
    assert not [name for name in own if name.startswith(prefix)]


def test_a_deployment_calls_no_machine_of_its_own_and_takes_no_secret_as_text() -> None:
    given = (MANIFEST.env["LOOPBACK"], MANIFEST.env["PLAIN_SECRETS"])
    assert [each.value for each in given if isinstance(each, PlainValue)] == ["refused"] * 2


def test_every_override_of_the_index_file_is_applied_in_one_of_two_ways(
    terraform: Configuration,
) -> None:
    fields = terraform.resources["google_firestore_field.field"]
    all_fields = terraform.resources["terraform_data.all_fields"]
    indexes = terraform.resources["google_firestore_index.index"]
    assert "index in local.indexes.indexes" in indexes["for_each"]
    assert "each in local.indexes.fieldOverrides" in terraform.locals["overrides"]
    assert fields["for_each"].endswith(
        'in local.overrides : name => override if override.fieldPath != "*"}}'
    )
    assert all_fields["for_each"] == "${local.all_fields}"
    assert terraform.locals["all_fields"].endswith('override if override.fieldPath == "*"}}')
    command = all_fields["provisioner"][0]["local-exec"]["command"]
    assert "collectionGroups/$GROUP/fields/*?updateMask=indexConfig" in command
    ttl = [each["ttl_config"] for each in fields["dynamic"] if "ttl_config" in each]
    assert ttl == [{"for_each": "${try(each.value.ttl, false) ? [true] : []}", "content": [{}]}]


def test_the_database_outlives_mistakes(terraform: Configuration) -> None:
    database = terraform.resources["google_firestore_database.database"]
    assert database["point_in_time_recovery_enablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["delete_protection_state"] == "DELETE_PROTECTION_ENABLED"
    assert database["deletion_policy"] == "ABANDON"
    assert "google_firestore_backup_schedule.daily" in terraform.resources
    assert "google_firestore_backup_schedule.weekly" in terraform.resources


def test_terraform_packs_the_files_that_gcloudignore_lets_through(terraform: Configuration) -> None:
    # Given what source.tf makes of the lines
    lines = [line.strip() for line in IGNORE_FILE.read_text().splitlines()]
    through = [line[1:] for line in lines if line.startswith("!") and not line.endswith("/")]
    out = {line[3:-1] for line in lines if line.startswith("**/") and line.endswith("/")}
    assert 'startswith(line, "!") && !endswith(line, "/")' in terraform.locals["let_through"]
    assert 'startswith(line, "**/") && endswith(line, "/")' in terraform.locals["kept_out"]
    # When
    found = {
        path.relative_to(ROOT).as_posix()
        for pattern in through
        for path in ROOT.glob(pattern + "/*" if pattern.endswith("**") else pattern)
        if path.is_file() and out.isdisjoint(path.relative_to(ROOT).parts)
    }
    # Then
    assert sorted(found) == deployed_files()
    assert {"requirements.txt", "shared/entry.py", "functions/org_sync/main.py"} <= found
    assert not [path for path in found if path.startswith(("tests/", "deploy/", "pyproject"))]


def test_clients_may_read_the_public_menu_and_nothing_else() -> None:
    rules = (ROOT / "deploy" / "firestore.rules").read_text()
    code = "\n".join(line for line in rules.splitlines() if not line.strip().startswith("//"))
    allowed = re.findall(r"match (/\S+) \{\s*allow ([^;]*);", code)
    assert allowed == [
        ("/tenants/{orgId}/publicViews/products/items/{productId}", "read"),
        ("/{document=**}", "read, write: if false"),
    ]


def test_addresses_that_hold_a_secret_are_not_among_the_logged_requests(
    terraform: Configuration,
) -> None:
    exclusion = terraform.resources["google_logging_project_exclusion.webhook_addresses"]
    logged, _, pattern = (
        exclusion["filter"].replace("\\", "").partition(" AND httpRequest.requestUrl =~ ")
    )
    address = f"https://webhooks-x.a.run.app{ADDRESS_PATH}/org_harbor"

    assert logged == 'log_id("run.googleapis.com/requests")'
    assert re.search(pattern.strip('"'), f"{address}/{'s' * 32}")
    for other in (address, f"{address}/", f"{address}?a=/b", "https://x.a.run.app/api/menu/a/b"):
        assert not re.search(pattern.strip('"'), other)


def test_what_somebody_has_searched_for_is_not_among_the_logged_requests(
    terraform: Configuration,
) -> None:
    exclusion = terraform.resources["google_logging_project_exclusion.searches"]
    logged, _, pattern = (
        exclusion["filter"].replace("\\", "").partition(" AND httpRequest.requestUrl =~ ")
    )
    address = "https://dashboard-x.a.run.app"

    assert logged == 'log_id("run.googleapis.com/requests")'
    for path in (
        "/api/customers?orgId=org_harbor&q=Quixwood",
        "/orgs/org_harbor/customers?q=zephyrine%40example.com",
        "/api/loyalty/points?phone=5185550147&orgId=org_harbor",
        "/api/loyalty/points?orgId=org_harbor&email=a%40example.com",
        "/api/customers?orgId=org_harbor&sort=name&cursor=eyJ2",
    ):
        assert re.search(pattern.strip('"'), address + path), path
    for path in ("/api/menu?orgId=org_harbor", "/api/customers/4711?orgId=org_harbor"):
        assert not re.search(pattern.strip('"'), address + path), path
