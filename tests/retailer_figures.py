"""What pandas makes of a retailer's raw rows and of the export of its web shop: every figure of
every customer, and the rows of the weekly report. Nothing of the product is used.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.emulator.customers.purchase_history import segments

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_ORDER_ID = r"(?i)\border id:\s*(\d+)"
_FILLERS = ("noemail", "no-email", "placeholder", "customer@")
_EXPORT_TIME = "%b %d, %Y %I:%M %p"
_MOST_SHARING = 20
_DAY = pd.Timedelta(days=1)


def read_export(path: Path) -> pd.DataFrame:
    """The export's rows, all text."""
    return pd.read_csv(path, sep=";", dtype=str, keep_default_na=False)


def customers_of(data: Rows) -> pd.DataFrame:
    """The customers that are not deleted, by id: name, e-mail and telephone number."""
    rows = pd.DataFrame(data["customers"])
    rows = rows[rows["deleted_at"].isna()].set_index("id").sort_index()
    found = pd.DataFrame(index=rows.index)
    found["name"] = (rows["first_name"].fillna("") + " " + rows["last_name"].fillna("")).str.strip()
    email = rows["email"].fillna("").str.strip().str.lower()
    found["email"] = email.where(~email.str.startswith(_FILLERS), "")
    found["phone"] = rows["mobile"].fillna("").replace("", np.nan).fillna(rows["phone"]).fillna("")
    found["digits"] = _digits(found["phone"])
    return found


def orders_of(data: Rows, exported: pd.DataFrame | None, zone: str) -> pd.DataFrame:
    """Every order that is of a customer, by document id: whose, cents, when, by which channel, and
    whether it counts. ``data`` are the rows of the API by kind, those deleted too; ``exported``
    those of the export, None where none was imported; ``zone`` is that of its times."""
    customers = customers_of(data)
    sales = _sales(data)
    found = sales[sales["customer"].isin(customers.index) & ~sales["deleted"]]
    if exported is None:
        return found.drop(columns=["deleted", "number"])
    imported = _imported(exported, customers, zone)
    # Whatever became of its sale later: from then on the till knows what became of the money.
    stands_for = sales[sales["customer"].isin(customers.index) & ~sales["returned"]]
    arrived = imported["number"].isin(stands_for["number"].dropna())
    named = ("lightspeed_" + imported["sale"]).isin(stands_for.index)
    imported["counts"] &= ~(arrived | named)
    whole = pd.concat([found, imported[imported["customer"].notna()]])
    return whole.drop(columns=["deleted", "number", "sale"])


def figures(customers: pd.DataFrame, orders: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """One row for each customer: in cents, counts, times and words."""
    counted = orders[orders["counts"].astype(bool)]
    placed = counted[counted["cents"] >= 0]
    found = customers.copy()
    for name, ecom in (("ecom", True), ("retail", False)):
        found[f"{name}_cents"] = _sum(counted[counted["ecom"] == ecom])
        found[f"{name}_count"] = placed[placed["ecom"] == ecom].groupby("customer").size()
    moment = pd.Timestamp(as_of)
    found["rolling_cents"] = _sum(counted[moment - counted["at"] < 90 * _DAY])
    found["rolling_count"] = placed[moment - placed["at"] < 90 * _DAY].groupby("customer").size()
    numbers = [column for column in found if column.endswith(("_cents", "_count"))]
    found[numbers] = found[numbers].fillna(0).astype(int)
    found["cents"] = found["ecom_cents"] + found["retail_cents"]
    found["count"] = found["ecom_count"] + found["retail_count"]
    found["average"] = _average(found)
    times = placed.groupby("customer")["at"]
    found["first"], found["last"] = times.min(), times.max()
    found["days"] = ((moment - found["last"]) // _DAY).clip(lower=0)
    found["segment"] = segments(found)
    found["vip"], found["high_value"] = found["cents"] >= 1000_00, found["cents"] >= 500_00
    found["inactive"] = np.select(
        [found["days"] >= d for d in (90, 60, 30)], ["90", "60", "30"], "none"
    )
    rolling = found["rolling_cents"]
    found["tier"] = np.select(
        [rolling >= 1500_00, rolling >= 750_00, rolling >= 250_00, found["count"] > 0],
        ["Evergreen", "Bloom", "Sprout", "Seed"],
        "none",
    )
    found["frequency_score"] = _score(found["count"], [2, 3, 5, 10])
    found["monetary_score"] = _score(found["cents"], [50_00, 150_00, 500_00, 1000_00])
    primary = _primaries(found)
    found["duplicate_of"] = primary.where(primary != found.index, "")
    others = found[found["duplicate_of"] != ""].groupby("duplicate_of")
    found["duplicates"] = pd.Series(
        {k: ";".join(sorted(v)) for k, v in others.groups.items()}, dtype=object
    )
    found["duplicates"] = found["duplicates"].fillna("")
    return found


def spending_by_email(found: pd.DataFrame) -> pd.DataFrame:
    """The same for each e-mail, of all customers who share it."""
    shared = found[found["email"] != ""].groupby("email")
    sums = shared[["cents", "count"]].sum()
    return sums.assign(
        average=_average(sums), first=shared["first"].min(), last=shared["last"].max()
    )


def report_of(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of the weekly report, all text. A text that may be a formula has an apostrophe."""
    report = pd.DataFrame(index=found.index)
    report["Name"] = _text(found["name"])
    report["Email"] = _text(found["email"])
    report["Phone"] = _text(found["phone"])
    report["Lifetime Value"] = _dollars(found["cents"])
    report["Rolling 90-Day Value"] = _dollars(found["rolling_cents"])
    report["Order Count"] = found["count"].astype(str)
    report["Rolling 90-Day Order Count"] = found["rolling_count"].astype(str)
    report["Average Order Value"] = _dollars(found["average"])
    report["First Order Date"] = found["first"].dt.strftime("%Y-%m-%d").fillna("")
    report["Last Order Date"] = found["last"].dt.strftime("%Y-%m-%d").fillna("")
    report["Days Since Last Order"] = found["days"].map(
        lambda days: "" if pd.isna(days) else str(int(days))
    )
    report["Is VIP"] = np.where(found["vip"], "Yes", "No")
    report["Is High Value"] = np.where(found["high_value"], "Yes", "No")
    report["Inactive Segment"], report["Tier"] = found["inactive"], found["tier"]
    report["Referred Sales"] = ""
    report["eCom Order Count"] = found["ecom_count"].astype(str)
    report["Retail Order Count"] = found["retail_count"].astype(str)
    report["Duplicate IDs"] = found["duplicates"]
    note = "duplicate of " + found["duplicate_of"]
    report["Note"] = note.where(found["duplicate_of"] != "", "")
    return report


def _sales(data: Rows) -> pd.DataFrame:
    rows = pd.DataFrame(data["sales"])
    registers = pd.DataFrame(data["registers"])
    online = registers[registers["name"].str.contains("online|ecom", case=False)]["id"]
    from_shop = rows["source"].str.startswith("ecw:")
    noted = rows["note"].fillna("")
    own = rows["source_id"].where(from_shop & rows["source_id"].fillna("").str.fullmatch(r"\d+"))
    cents = _cents(rows["total_price_incl"])
    returned = rows["return_for"].notna()
    marks = rows["attributes"].map(lambda each: bool({"pickup", "delivery"} & set(each)))
    ecom = from_shop | noted.str.contains(r"(?i)\border id:") | rows["register_id"].isin(online)
    return pd.DataFrame(
        {
            "customer": rows["customer_id"],
            "number": own.fillna(noted.str.extract(_ORDER_ID)[0]),
            "cents": cents.where(~returned, -cents.abs()),
            "at": pd.to_datetime(rows["created_at"], utc=True, format="ISO8601"),
            "ecom": ecom,
            "counts": (rows["state"] == "closed") | ((rows["state"] == "pending") & marks),
            "returned": returned,
            "deleted": rows["deleted_at"].notna(),
        }
    ).set_index("lightspeed_" + rows["id"])


def _imported(exported: pd.DataFrame, customers: pd.DataFrame, zone: str) -> pd.DataFrame:
    """One row for each order of the export. It is of the first customer, by id, with its e-mail;
    where there is none with that, of the first with its telephone number."""
    rows = exported.drop_duplicates("order_number")
    ids = customers.index.to_series()
    by_email = ids.groupby(customers["email"]).first().drop("", errors="ignore")
    by_phone = ids.groupby(customers["digits"]).first().drop("", errors="ignore")
    phone = rows["shipto_person_phone"].where(
        rows["shipto_person_phone"] != "", rows["bill_person_phone"]
    )
    at = pd.to_datetime(rows["timestamp"], format=_EXPORT_TIME)
    owner = rows["email"].str.strip().str.lower().map(by_email)
    return pd.DataFrame(
        {
            "customer": owner.fillna(_digits(phone).map(by_phone)),
            "number": rows["order_number"],
            "cents": _cents(rows["order_total"]),
            "at": at.dt.tz_localize(zone, ambiguous=True).dt.tz_convert("UTC"),
            "ecom": True,
            "counts": rows["payment_status_code"] == "ACCEPTED",
            "sale": rows["X-series Order ID"],
        }
    ).set_index("ecom_" + rows["order_number"])


def _primaries(found: pd.DataFrame) -> pd.Series:
    """For each customer the first of those who are the same person, by shared e-mail or number."""
    primary = found.index.to_series()
    while True:
        before = primary
        for contact in ("email", "digits"):
            sharing = found.groupby(contact)[contact].transform("size")
            shared = (found[contact] != "") & (sharing <= _MOST_SHARING)
            least = primary[shared].groupby(found[contact][shared]).transform("min")
            primary = least.reindex(primary.index).fillna(primary)
            # So that whoever was connected with one of them follows.
            primary = primary.map(primary)
        if primary.equals(before):
            return primary


def _sum(orders: pd.DataFrame) -> pd.Series:
    return orders.groupby("customer")["cents"].sum()


def _average(found: pd.DataFrame) -> pd.Series:
    """Cents for each order, half up, of a negative sum as of a positive one."""
    orders = found["count"].clip(lower=1)
    average = (2 * found["cents"].abs() + orders) // (2 * orders)
    return (average * np.sign(found["cents"])).where(found["count"] > 0, 0)


def _score(figure: pd.Series, bounds: Sequence[int]) -> pd.Series:
    return 1 + sum((figure >= bound).astype(int) for bound in bounds)


def _cents(dollars: pd.Series) -> pd.Series:
    return (dollars.astype(float) * 100).round().astype(int)


def _digits(phone: pd.Series) -> pd.Series:
    return phone.fillna("").str.replace(r"\D", "", regex=True).str[-10:]


def _dollars(cents: pd.Series) -> pd.Series:
    return cents.map(
        lambda each: f"{'-' if each < 0 else ''}{abs(each) // 100}.{abs(each) % 100:02}"
    )


def _text(column: pd.Series) -> pd.Series:
    formula = column.str.match(r"\s*[=+\-@]")
    return column.where(~formula, "'" + column)
