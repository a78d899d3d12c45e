"""Commands a running proxy from any process: over its own port, as JSON in gRPC."""

import json
from types import TracebackType
from typing import Any, Self

import grpc

from tests.strict_firestore.proxy import CONTROL, Refusal

TIMEOUT_SECONDS = 10.0


class Control:
    """The commands of the proxy at ``host``. A context manager."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._channel: Any = grpc.insecure_channel(host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()

    def fault(
        self,
        status: str,
        *,
        rpc: str | None = "Commit",
        count: int | None = 1,
        share: float = 1.0,
        applied: bool = False,
        path: str | None = None,
        project: str | None = None,
    ) -> None:
        """Answer the next calls with an error: see ``weather.Fault``. As below, ``project`` None
        stands for every project of which nothing was said by its name."""
        self._send(
            "fault",
            project=project,
            status=status,
            rpc=rpc,
            count=count,
            share=share,
            applied=applied,
            path=path,
        )

    def latency(
        self,
        fixed: float,
        jitter: float = 0.0,
        rpc: str | None = None,
        *,
        project: str | None = None,
    ) -> None:
        """Take that many seconds longer, from now on: see ``weather.Latency``."""
        self._send("latency", project=project, fixed=fixed, jitter=jitter, rpc=rpc)

    def contention(
        self, share: float = 1.0, lasting: float = 0.0, *, project: str | None = None
    ) -> None:
        """Abort commits that contend for a document: see ``weather.Contention``."""
        self._send("contention", project=project, share=share, lasting=lasting)

    def clear(self, seed: int = 0, *, project: str | None = None) -> None:
        """Fair weather again, of all projects or of one; its dice start from ``seed``."""
        self._send("clear", seed=seed, project=project)

    def injected(self, project: str | None = None) -> dict[str, int]:
        """How many calls went wrong by order since it was clear, by status; CONTENTION: commits
        that were aborted for contending."""
        found: dict[str, int] = self._send("injected", project=project)
        return found

    def refusals(self, project: str | None = None) -> list[Refusal]:
        """What was refused for a limit since the last call, of one project or of all."""
        return [Refusal(**each) for each in self._send("refusals", project=project)]

    def calls(self) -> dict[str, int]:
        """How often each RPC was called since the proxy started."""
        found: dict[str, int] = self._send("calls")
        return found

    def _send(self, name: str, **fields: object) -> Any:
        call = self._channel.unary_unary(f"/{CONTROL}/{name}")
        return json.loads(call(json.dumps(fields).encode(), timeout=TIMEOUT_SECONDS))
