"""The description that clients and fuzzers are made from."""

import json

from shared.errors import RateLimited
from shared.web import openapi
from shared.web.auth import SharedSecret
from shared.web.request import Body, Params
from shared.web.response import Cached, ResponseModel, RouteReply
from tests.unit.web.calling import client_of, route


class Query(Params):
    """Path and query."""

    run_id: str
    max_size: int | None = None


class Wish(Body):
    """What is wished for."""

    full: bool = False


class Given(ResponseModel):
    """What is given."""

    run_id: str
    ended_at: str | None
    note: str | None = None


GIVE = route(
    lambda _: RouteReply(Given(run_id="r", ended_at=None)),
    method="POST",
    path="/runs/{runId}",
    rule=SharedSecret(("s" * 32,)),
    params=Query,
    body=Wish,
    answers=[(200, Given), (202, Given)],
    errors=[RateLimited],
)
READ = route(
    lambda _: RouteReply(Given(run_id="r", ended_at=None)),
    answers=[(200, Given), (200, "text/csv")],
    cached=Cached(9),
)


def test_the_function_serves_the_description_of_its_own_routes() -> None:
    served = client_of(GIVE).get("/openapi.json").json

    assert served is not None
    assert served["paths"].keys() == {"/runs/{runId}", "/openapi.json"}


def test_parameters_stand_where_they_are_sent_and_are_never_null() -> None:
    operation = openapi.document("tests", [GIVE])["paths"]["/runs/{runId}"]["post"]

    parameters = {
        p["name"]: (p["in"], p["required"], p["schema"]["type"]) for p in operation["parameters"]
    }

    assert parameters == {"runId": ("path", True, "string"), "maxSize": ("query", False, "integer")}


def test_every_status_that_may_be_answered_is_there() -> None:
    described = openapi.document("tests", [GIVE, READ])["paths"]

    post, get = described["/runs/{runId}"]["post"], described["/thing"]["get"]

    everywhere = {"400", "413", "414", "431", "500", "502", "503"}
    assert post["responses"].keys() == everywhere | {"200", "202", "401", "404", "415", "429"}
    assert get["responses"].keys() == everywhere | {"200", "304"}
    assert get["responses"]["200"]["content"].keys() == {"application/json", "text/csv"}


def test_it_says_who_may_call_and_what_they_send() -> None:
    described = openapi.document("tests", [GIVE])
    operation = described["paths"]["/runs/{runId}"]["post"]

    assert operation["security"] == [{"cronSecret": []}]
    assert described["components"]["securitySchemes"]["cronSecret"]["scheme"] == "bearer"
    assert "cron secret" in operation["description"]


def test_an_input_of_another_form_is_none_and_a_missing_answer_is_allowed() -> None:
    schemas = openapi.document("tests", [GIVE])["components"]["schemas"]

    assert schemas["Wish"]["additionalProperties"] is False
    assert schemas["Given"]["required"] == ["runId"]


def test_it_is_json() -> None:
    assert json.loads(openapi.encoded("tests", [GIVE, READ]))["openapi"] == "3.1.0"
