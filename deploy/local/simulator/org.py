"""One simulated org: its account and its data, which is generated when first asked for."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from random import Random
from threading import Lock
from typing import Any

from deploy.local.simulator.alpine.account import AlpineAccount, api_key_of, user_id_of
from deploy.local.simulator.alpine.contacts import generate_contacts
from deploy.local.simulator.dataset import Dataset, generate_dataset, given_dataset
from deploy.local.simulator.seed.inventory import location_name
from deploy.local.simulator.spec import OrgSpec
from deploy.local.simulator.table import Record
from deploy.local.simulator.truth import Truth


class Org:
    """``spec`` may be replaced while it runs (a changed password, another token lifetime);
    ``tokens_from`` counts how often all its tokens were withdrawn; ``discounts`` are those that
    somebody gave it in place of its own."""

    def __init__(
        self, spec: OrgSpec, today: date, records: Mapping[str, Iterable[Record]] | None = None
    ) -> None:
        self.spec = spec
        self.today = today
        self.tokens_from = 0
        self.discounts: list[Record] | None = None
        self._lock = Lock()
        self._dataset = given_dataset(spec, today, records) if records else None
        self._alpine: AlpineAccount | None = None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def dataset(self) -> Dataset:
        """The org's records."""
        with self._lock:
            if self._dataset is None:
                self._dataset = generate_dataset(self.spec, self.today)
            return self._dataset

    @property
    def alpine(self) -> AlpineAccount:
        """The org's account at Alpine IQ; what its contacts hold follows from the orders at the
        time it is first asked for."""
        dataset = self.dataset
        with self._lock:
            if self._alpine is None:
                self._alpine = AlpineAccount(self._contacts(dataset))
            return self._alpine

    def withdraw_tokens(self) -> None:
        """Every token issued so far is refused from now on."""
        self.tokens_from += 1

    def tenant_document(self, base_url: str) -> dict[str, Any]:
        """``{"id", "document"}`` of ``tenants/{orgId}``: its name, and where it has contacts at
        Alpine IQ its account there, free of the real one's rate limit."""
        document: dict[str, Any] = {"name": self.spec.company}
        if self.spec.alpine_contacts:
            document["alpineIq"] = {
                "userId": user_id_of(self.spec),
                "apiKey": api_key_of(self.spec),
                "baseUrl": f"{base_url}/alpine",
                "rateLimit": None,
            }
        return {"id": self.id, "document": document}

    def location_documents(self, base_url: str) -> list[dict[str, Any]]:
        """``{"id", "document"}`` of each ``locations/{id}`` that points an org at this POS."""
        spec = self.spec
        credentials = {"username": spec.user, "password": spec.secret, "pin": spec.pin or ""}
        return [
            {
                "id": f"{spec.id}-{location_id}",
                "document": {
                    "orgId": spec.id,
                    "name": f"{spec.company} {location_name(location_id)}",
                    "timezone": spec.timezone,
                    "posConfig": {
                        "provider": "alleaves",
                        "status": "active",
                        "baseUrl": f"{base_url}/api",
                        **credentials,
                        "locationId": str(location_id),
                        "apiStyle": spec.api_style,
                    },
                },
            }
            for location_id in spec.location_ids
        ]

    def _contacts(self, dataset: Dataset) -> list[Record]:
        spec = self.spec
        if not spec.alpine_contacts:
            return []
        data = {kind: list(dataset.table(kind)) for kind in ("customers", "orders")}
        return generate_contacts(
            data["customers"],
            Truth(data, spec.timezone),
            count=spec.alpine_contacts,
            differing=spec.alpine_differing,
            rng=Random(f"{spec.id}/{spec.seed}/alpine"),
        )


class Orgs:
    """All simulated orgs, by id and by user name."""

    def __init__(self, specs: Iterable[OrgSpec], today: date) -> None:
        self.today = today
        self._by_id: dict[str, Org] = {}
        self._by_user: dict[str, Org] = {}
        for spec in specs:
            self.add(Org(spec, today))

    def __iter__(self) -> Iterator[Org]:
        return iter(list(self._by_id.values()))

    def add(self, org: Org) -> None:
        """Take an org in, in place of one of the same id."""
        self.remove(org.id)
        self._by_id[org.id] = org
        self._by_user[org.spec.user] = org

    def change(self, org: Org, spec: OrgSpec) -> None:
        """Change an org's account; its records stay."""
        self._by_user.pop(org.spec.user, None)
        org.spec = spec
        self._by_user[spec.user] = org

    def remove(self, org_id: str) -> None:
        """Take an org out, if there is one."""
        org = self._by_id.pop(org_id, None)
        if org is not None:
            self._by_user.pop(org.spec.user, None)

    def get(self, org_id: str) -> Org:
        """An org by id. Raises KeyError without one."""
        return self._by_id[org_id]

    def with_user(self, username: str) -> Org | None:
        """The org that signs in under this name."""
        return self._by_user.get(username)

    def with_key(self, api_key: str | None) -> Org | None:
        """The org that this API key opens."""
        return next((org for org in self if api_key and org.spec.api_key == api_key), None)
