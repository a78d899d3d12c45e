"""What waits for an operator: removals, dead letters, records in quarantine."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, Yes, command
from deploy.sam.syncs import REQUESTED_BY, WAIT_SECONDS, manual_sync
from deploy.sam.runs import RunAnswer, answer_of, watch
from deploy.sam.words import known_org
from shared.clock import utc_now
from shared.services.admin.audit import Actor
from shared.services.admin.removals import HeldRemoval, RemovalDecisions, held_removals
