"""The lists of X-Series by version, its searches by offset, and single records."""

from collections.abc import Sequence

from flask import Response, request

from deploy.local.simulator.call import listing_faults
from deploy.local.simulator.fault_replies import json_reply
from deploy.local.simulator.lightspeed.call import (
    NoSuchRecord,
    blueprint_of,
    listed,
    retailer,
    searched,
)
from deploy.local.simulator.lightspeed.dataset import KINDS, SEARCHED
from deploy.local.simulator.lightspeed.versions import version_of
from deploy.local.simulator.listing import cut
from deploy.local.simulator.table import encode

records_api = blueprint_of("lightspeed_records")
_KIND = f"<any({','.join(KINDS)}):kind>"


@records_api.get(f"/<version>/{_KIND}")
def list_records(kind: str) -> Response:
    """The records whose version is above ``after`` (and below ``before``), by version. Dates are
    not looked at; deleted ones come where ``deleted`` asks for them."""
    part = cut(*listed(retailer(), kind), listing_faults())
    versions = [found for found in map(version_of, part.rows) if found is not None]
    version = encode({"min": min(versions, default=0), "max": max(versions, default=0)})
    return json_reply(b'{"data":[%s],"version":%s}' % (b",".join(part.rows), version))


@records_api.get(f"/<version>/{_KIND}/<record_id>")
def get_record(kind: str, record_id: str) -> Response:
    """One record; a deleted one with the time."""
    try:
        return json_reply(b'{"data":%s}' % retailer().data.table(kind).text(record_id))
    except KeyError:
        raise NoSuchRecord from None


@records_api.get("/<version>/search")
def search() -> Response:
    """Records of a type, by ``offset``."""
    part = cut(_found(), searched(retailer()), listing_faults())
    return json_reply(b'{"data":[%s],"total_count":%d}' % (b",".join(part.rows), part.total))


def _found() -> Sequence[bytes]:
    kind = request.args.get("type", "")
    if kind not in SEARCHED:
        raise ValueError(kind)
    wanted = {
        name: {text.lower() for text in request.args.getlist(name)}
        for name in SEARCHED[kind]
        if name in request.args
    }
    dated = kind == "sales"
    return (
        retailer()
        .data.table(kind)
        .search(
            wanted,
            request.args.get("date_from", "") if dated else "",
            request.args.get("date_to", "") if dated else "",
            descending=request.args.get("order_direction", "desc") == "desc",
        )
    )
