"""What stands in Firestore."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud.firestore import Client
from google.cloud.firestore_v1 import _helpers, types

MENU = "publicViews/products/items"
RECORDS = ("customers", "orders", "customer_spending", "products", MENU)
VOLATILE = frozenset({"updatedAt", "syncRunId", "rfm"})
"""When and by which run a record was written, and ranks as of the last look at all customers."""

READ_SECONDS = 60.0

Fields = dict[str, Any]

_Query: Any = types.RunQueryRequest.pb()
_Answer: Any = types.RunQueryResponse.pb()


class StoredDocuments:
    """Reads documents, without any of the product's code."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._root = f"{client._database_string}/documents"

    def document(self, path: str) -> Fields:
        """Empty where there is none."""
        return self._client.document(path).get().to_dict() or {}

    def documents(self, collection: str) -> dict[str, Fields]:
        """Every document of a collection, by id."""
        parent, _, name = f"{self._root}/{collection}".rpartition("/")
        found = self._stream(parent, collection_id=name)
        return {each.name.rpartition("/")[2]: self._fields(each) for each in found}

    def status(self, org_id: str) -> Fields:
        """What people see of an org's sync."""
        return self.document(f"tenants/{org_id}/integrations/pos")

    def run(self, org_id: str, run_id: str) -> Fields:
        return self.document(f"tenants/{org_id}/sync_runs/{run_id}")

    def runs(self, org_id: str) -> dict[str, Fields]:
        return self.documents(f"tenants/{org_id}/sync_runs")

    def records(self, org_id: str) -> dict[str, dict[str, Fields]]:
        """Every record of an org by collection and id, without VOLATILE."""
        return {
            name: {
                key: {field: value for field, value in fields.items() if field not in VOLATILE}
                for key, fields in self.documents(f"tenants/{org_id}/{name}").items()
            }
            for name in RECORDS
        }

    def everything(self, org_id: str) -> dict[str, tuple[datetime | None, Fields]]:
        """Every document of an org by path, with the time of its last write."""
        from_timestamp: Any = DatetimeWithNanoseconds.from_timestamp_pb
        return {
            each.name.removeprefix(f"{self._root}/"): (
                from_timestamp(each.update_time),
                self._fields(each),
            )
            for each in self.below(f"/tenants/{org_id}")
        }

    def below(self, path: str) -> Iterator[Any]:
        """Every document (protobuf) below one, however deep; below none where that is empty."""
        return self._stream(f"{self._root}{path}", all_descendants=True)

    def _stream(self, parent: str, **of: Any) -> Iterator[Any]:
        """Documents below one, as they are sent. The client library copies each twice, in Python,
        which takes longer than all else."""
        request = _Query(parent=parent, structured_query={"from_": [of]})
        metadata = self._client._rpc_metadata
        for answer in self._run_query(request, metadata=metadata, timeout=READ_SECONDS):
            if answer.HasField("document"):
                yield answer.document

    def _fields(self, document: Any) -> Fields:
        return cast("Fields", _helpers.decode_dict(document.fields, self._client))

    @cached_property
    def _run_query(self) -> Any:
        channel: Any = self._client._firestore_api.transport.grpc_channel
        return channel.unary_stream(
            "/google.firestore.v1.Firestore/RunQuery",
            request_serializer=_Query.SerializeToString,
            response_deserializer=_Answer.FromString,
        )


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two sets of records differ, a line each."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted(before.keys() | after.keys())
            for line in differences(before.get(key), after.get(key), f"{path}/{key}")
        ]
    return [] if before == after else [f"{path}: {before!r} -> {after!r}"]
