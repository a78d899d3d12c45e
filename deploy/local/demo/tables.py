"""What the demo shows a newcomer."""

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table

Report = dict[str, Any]
SEGMENTS = ("vip", "loyal", "returning", "new", "at_risk", "churned")


def prologue() -> RenderableType:
    return Panel(
        "Sync Sam keeps dispensaries' points of sale and Firestore the same. This is the real"
        " thing on this machine:\nGoogle's Firestore and Pub/Sub emulators, one functions-framework"
        " process per function, and simulated POS systems: Alleaves and Lightspeed.",
        title="make demo",
    )


def scene(text: str) -> RenderableType:
    return Rule(text, align="left")


def orgs(report: Report) -> RenderableType:
    sizes = Table(
        "org", "customers", "orders", "skipped", "products", "spending", "seconds", title="Stored"
    )
    channels = Table("org", "point of sale", "retail", "eCom", title="Orders by channel")
    segments = Table("org", *SEGMENTS, title="Customers by segment")
    for org_id, each in report.items():
        sizes.add_row(
            org_id,
            f"{each['customers']:,}",
            f"{each['orders']:,}",
            str(each["ordersSkipped"]),
            str(each["products"]),
            f"{each['customerSpending']:,}",
            f"{each['seconds']:.1f}",
        )
        retail, ecom = f"{each['retailOrders']:,}", f"{each['ecomOrders']:,}"
        channels.add_row(org_id, each["provider"], retail, ecom)
        segments.add_row(org_id, *(str(each["segments"].get(name, 0)) for name in SEGMENTS))
    note = (
        "Skipped orders match no customer. Spending and segment of every customer were compared"
        " with a recomputation from the POS's own data that shares no code with the product."
    )
    return Group(sizes, channels, segments, note)


def second_sync(report: Report) -> RenderableType:
    table = Table("org", "records written", "documents read", "bookkeeping writes", "seconds")
    for org_id, each in report.items():
        table.add_row(
            org_id,
            str(each["recordWrites"]),
            str(each["reads"]),
            str(each["writes"]),
            f"{each['seconds']:.1f}",
        )
    return table


def order_change(report: Report) -> RenderableType:
    table = Table(show_header=False)
    change = ", ".join(f"{name} is now {value}" for name, value in report["change"].items())
    table.add_row("order", f"{report['orderId']} of {report['orgId']}: {change}")
    table.add_row("its customer", str(report["customerId"]))
    table.add_row("spent", f"${report['spentBefore']:,.2f} -> ${report['spentAfter']:,.2f}")
    table.add_row("segment", f"{report['segmentBefore']} -> [bold]{report['segmentAfter']}[/]")
    table.add_row("why", report["reason"])
    table.add_row("followed within", f"{report['seconds']:.1f} s of the tick")
    return table


def ecom_import(report: Report) -> RenderableType:
    table = Table(show_header=False)
    table.add_row("export", f"of {report['orgId']}: {report['said']}")
    table.add_row("not at the POS yet", f"{report['waiting']} eCom orders")
    table.add_row(
        "spent by customers", f"${report['spentBefore']:,.2f} -> ${report['spentAfter']:,.2f}"
    )
    table.add_row("followed within", f"{report['seconds']:.1f} s of the import")
    return table


def late_orders(report: Report) -> RenderableType:
    table = Table(show_header=False)
    table.add_row("arrived", f"{report['arrived']} eCom orders of {report['orgId']}")
    table.add_row(
        "not at the POS yet", f"{report['waitingBefore']} -> {report['waitingAfter']} eCom orders"
    )
    table.add_row("counted", "each once: by its sale, no more by the export")
    table.add_row("followed within", f"{report['seconds']:.1f} s of the tick")
    return table


def conclusion(path: Path) -> RenderableType:
    return Panel(
        f"All of this was checked as it happened. The figures: {path}\n\n"
        "Next: `make local` brings the same dispensaries up and stays. Its first line is the"
        " address of the console; below it stands who can sign in there.",
        style="green",
    )
