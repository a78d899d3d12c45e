"""An HTTP session whose network and time are made up."""

from collections.abc import Callable
from datetime import timedelta

from shared.outbound.replies import USUAL, ReplyLimits
from shared.outbound.session import HttpCall, HttpReply, HttpSession, HttpSettings
from tests.unit.pos.fakes import Canned, FakeTime, FakeTransport, Sent

URL = "https://pos.example.com/api/order"
SECRET = "s3cret-token"


class Outside:
    """The session, and a call that carries a secret in every place a call has."""

    def __init__(
        self, respond: Callable[[Sent], Canned], settings: HttpSettings | None = None
    ) -> None:
        self.time = FakeTime()
        self.transport = FakeTransport(respond)
        self.session = HttpSession(
            settings,
            transport=self.transport,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            clock=self.time.now,
        )

    def ask(
        self, deadline_seconds: float | None = None, limits: ReplyLimits = USUAL
    ) -> HttpReply[object]:
        deadline = (
            None
            if deadline_seconds is None
            else self.time.now() + timedelta(seconds=deadline_seconds)
        )
        call = HttpCall(
            "GET",
            URL,
            provider="The POS",
            what="orders",
            params={"key": SECRET},
            headers={"Authorization": f"Bearer {SECRET}"},
            deadline=deadline,
            limits=limits,
        )
        return self.session.call(call, lambda data: data)

    @property
    def tries(self) -> int:
        return len(self.transport.sent)
