"""The commands of a deployment, made and not run: Terraform's, gcloud's, the Firebase CLI's."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from deploy.manifest import DEFAULT_DATABASE, Manifest
from deploy.release.shell import ROOT, Command, ReleaseFailed
from shared.errors import at_fault

TERRAFORM = ROOT / "deploy" / "terraform"
PROJECTS = ROOT / "deploy" / "projects"
STATE = ROOT / ".local" / "release"
PLAN_SECONDS, APPLY_SECONDS = 900.0, 5_400.0
CHANGES = 2
"""Exit code of a plan that has something to do."""

ProjectId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]


class Target(BaseModel):
    """Where to deploy: a project, with the Terraform variables of
    ``deploy/projects/PROJECT.tfvars.json`` if there is such a file. Those that this program does
    not need itself pass it by."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: ProjectId
    region: str
    database: str = DEFAULT_DATABASE
    variables: Path | None = None

    @classmethod
    def of(cls, project: str, projects: Path = PROJECTS) -> Self:
        """The target by that name. Raises ReleaseFailed for one that cannot be."""
        if not project:
            raise ReleaseFailed("Which project? Name its id:\n    make plan PROJECT=harbor-prod")
        file = projects / f"{project}.tfvars.json"
        usual = {"region": Manifest.read().defaults.region}
        try:
            own = _Variables.model_validate_json(file.read_bytes()) if file.is_file() else None
            given = own.model_dump(exclude_none=True) if own else {}
            found = {**usual, **given, "project": project, "variables": file if own else None}
            return cls.model_validate(found)
        except ValidationError as error:
            raise ReleaseFailed(f"PROJECT={project}: {at_fault(error)}") from None

    @property
    def state_bucket(self) -> str:
        """The bucket of Terraform's state."""
        return f"{self.project}-sync-sam-state"

    @property
    def plan_file(self) -> Path:
        return STATE / self.project / "plan"


class _Variables(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    region: str | None = None
    database: str | None = None


def init(target: Target) -> Command:
    """Fetch the providers and find the state."""
    return _terraform(target, "init", f"-backend-config=bucket={target.state_bucket}", shown=True)


def plan(target: Target, source_object: str = "", only: Iterable[str] = ()) -> Command:
    """Work out what is to change and keep it in the plan file; ``only`` at these addresses.
    ``source_object`` is an earlier zip, empty for the present source. Its exit code is CHANGES
    where there is something."""
    file = (f"-var-file={target.variables}",) if target.variables else ()
    given = {
        "project": target.project,
        "region": target.region,
        "database": target.database,
        **({"source_object": source_object} if source_object else {}),
    }
    return _terraform(
        target,
        "plan",
        *("-detailed-exitcode", "-lock-timeout=60s", f"-out={target.plan_file}"),
        *file,
        *(f"-var={name}={value}" for name, value in given.items()),
        *(f"-target={address}" for address in only),
        seconds=PLAN_SECONDS,
        shown=True,
        accepted=(0, CHANGES),
    )


def show(target: Target) -> Command:
    """The plan file as JSON."""
    return _terraform(target, "show", "-json", str(target.plan_file), seconds=PLAN_SECONDS)


def apply(target: Target) -> Command:
    """Do what the plan file says."""
    return _terraform(target, "apply", str(target.plan_file), seconds=APPLY_SECONDS, shown=True)


def _terraform(
    target: Target,
    verb: str,
    *arguments: str,
    seconds: float = 300.0,
    shown: bool = False,
    accepted: tuple[int, ...] = (0,),
) -> Command:
    # A data folder for each project: one project's state is never used for another.
    data = STATE / target.project / "terraform"
    return Command(
        argv=(
            *("terraform", f"-chdir={TERRAFORM}", verb),
            *(() if verb == "show" else ("-input=false",)),
            *arguments,
        ),
        seconds=seconds,
        shown=shown,
        accepted=accepted,
        env={"TF_DATA_DIR": str(data), "TF_IN_AUTOMATION": "1"},
    )


def terraform_version() -> Command:
    return Command(("terraform", "version", "-json"))


def active_account() -> Command:
    """The account that gcloud is signed in as; nothing where it is not."""
    return Command(("gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=value(account)"))


def default_credentials() -> Command:
    """Fails where libraries and Terraform have no credentials."""
    return Command(("gcloud", "auth", "application-default", "print-access-token", "--quiet"))


def project_state(target: Target) -> Command:
    return _gcloud(target, "projects", "describe", target.project, "--format=value(lifecycleState)")


def billing(target: Target) -> Command:
    """``True`` or ``False``."""
    what = ("billing", "projects", "describe", target.project)
    return _gcloud(target, *what, "--format=value(billingEnabled)")


def bucket_name(target: Target) -> Command:
    what = ("storage", "buckets", "describe", f"gs://{target.state_bucket}")
    return _gcloud(target, *what, "--format=value(name)")


def paused_schedules(target: Target) -> Command:
    """Names of the scheduler's jobs that rest, one a line."""
    only = ("--filter=state=PAUSED", "--format=value(name)")
    return _gcloud(target, "scheduler", "jobs", "list", f"--location={target.region}", *only)


def resume(target: Target, schedule: str) -> Command:
    return _gcloud(target, "scheduler", "jobs", "resume", schedule, f"--location={target.region}")


def unfinished_indexes(target: Target) -> Command:
    """Names of the composite indexes that are still built, one a line."""
    only = ("--filter=state!=READY", "--format=value(name)")
    what = ("firestore", "indexes", "composite", "list", f"--database={target.database}")
    return _gcloud(target, *what, *only)


def secret_versions(target: Target, secret: str) -> Command:
    """Numbers of the secret's versions in use, one a line."""
    only = ("--filter=state=ENABLED", "--format=value(name)")
    return _gcloud(target, "secrets", "versions", "list", secret, *only)


def add_secret_version(target: Target, secret: str, value: str) -> Command:
    what = ("secrets", "versions", "add", secret, "--data-file=-")
    return _gcloud(target, *what, given=value)


def functions(target: Target) -> Command:
    """All functions of the region, as JSON."""
    return _gcloud(
        target, "functions", "list", "--v2", f"--regions={target.region}", "--format=json"
    )


def zips(target: Target, bucket: str) -> Command:
    """The objects of the source bucket, as JSON."""
    return _gcloud(target, "storage", "objects", "list", f"gs://{bucket}/**", "--format=json")


def publish(target: Target, topic: str, message: str) -> Command:
    """Publish a message; the output is its id."""
    what = ("pubsub", "topics", "publish", topic, f"--message={message}")
    return _gcloud(target, *what, "--format=value(messageIds)")


def hosting(target: Target) -> Command:
    """Put the rewrites of firebase.json in force."""
    argv = ("firebase", "deploy", "--only", "hosting", "--non-interactive")
    return Command((*argv, "--project", target.project), seconds=600.0, shown=True)


def _gcloud(target: Target, *arguments: str, given: str = "") -> Command:
    return Command(("gcloud", *arguments, f"--project={target.project}", "--quiet"), given=given)
