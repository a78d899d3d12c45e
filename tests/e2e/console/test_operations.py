"""What is decided in the console: syncs that are started, removals that are approved, settings that
are put right. Each test goes through one story."""

import re
from collections.abc import Callable
from functools import partial

from playwright.sync_api import Page, expect

from tests.e2e.console.browser import Watch
from tests.e2e.console.cloud import ORG, OTHER_ORG, ConsoleCloud
from tests.e2e.console.troubled import TROUBLED_ORG
from tests.stored import MENU

SignedIn = Callable[..., Page]
ENDED = re.compile("The sync has ended")
SYNC_MS = 60_000


def test_sync_now_moves_and_ends_and_another_one_is_told_of_in_words(
    console: ConsoleCloud, signed_in: SignedIn, watch: Watch
) -> None:
    # Given a new product at a POS that answers slowly, so that the run can be watched
    row = console.pos.data(ORG)["inventory"][0]
    console.pos.add(ORG, "inventory", {**row, "id_item": 990_003, "id_batch": 990_003})
    console.pos.fault("latency", ms=2500, endpoint="orders", count=2)
    page, other = signed_in("dispensary_admin"), signed_in("brand_admin")
    page.goto(f"/orgs/{ORG}")
    other.goto(f"/orgs/{ORG}")
    progress = page.locator("#progress")
    expect(progress).to_be_hidden()
    # When two people start a sync
    page.get_by_role("button", name="Sync now").click()
    expect(progress).to_be_visible()
    watch.expected.append("409")
    other.get_by_role("button", name="Sync now").click()
    # Then the second one is shown the first one's
    expect(other.get_by_role("status")).to_contain_text("under way already")
    # and the counts move
    expect(page.locator("#progress-rows tbody tr").first).to_be_visible(timeout=SYNC_MS)
    expect(page.locator("#progress [data-told]")).to_contain_text("records fetched so far")
    # and it ends, for both of them
    console.pos.clear_faults()
    for each in (page, other):
        expect(each.get_by_role("status")).to_contain_text(ENDED, timeout=SYNC_MS)
        expect(each.locator("#progress")).to_be_hidden()
    # and has a page of its own
    page.locator("#history tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sync run")
    expect(page.get_by_role("main")).to_contain_text("By hand")


def test_a_dry_run_is_awaited_and_shown_as_a_difference(
    console: ConsoleCloud, signed_in: SignedIn
) -> None:
    # Given a product whose price has changed at the POS
    row = console.pos.data(ORG)["inventory"][-1]
    console.pos.change_row(ORG, row, price_otd_adult_use=777.5)
    page = signed_in("dispensary_admin")
    page.goto(f"/orgs/{ORG}")
    # When somebody looks what a sync would do
    page.get_by_role("button", name="Dry run").click()
    # Then it says so, and nothing is written
    expect(page.locator("ins", has_text="777.5").first).to_be_visible(timeout=SYNC_MS)
    products = console.store.documents(f"tenants/{ORG}/{MENU}")
    assert 777.5 not in [each.get("price") for each in products.values()]


def test_who_syncs_an_org_too_often_is_told_when_it_may_be_again(
    signed_in: SignedIn, watch: Watch
) -> None:
    # Given an org that was synced as often as it may be
    page = signed_in("super_user")
    page.goto(f"/orgs/{TROUBLED_ORG}")
    for _ in range(6):
        answer = page.request.post("/api/pos/sync", data={"orgId": TROUBLED_ORG, "dryRun": True})
        assert answer.status == 202, answer.text()
    # When somebody starts one more
    watch.expected.append("429")
    page.get_by_role("button", name="Sync now").click()
    # Then the words are the server's, with the minutes
    expect(page.get_by_role("status")).to_contain_text(
        re.compile(r"6 times an hour\. Try again in \d+ minutes?\.")
    )


def test_a_held_removal_is_looked_at_and_approved_and_the_products_go(
    console: ConsoleCloud, signed_in: SignedIn
) -> None:
    # Given half of the menu that the POS lists no more
    rows = console.pos.data(ORG)["inventory"]
    products = sorted({str(row["id_item"]) for row in rows})
    gone = set(products[: len(products) // 2])
    kept = [row for row in rows if str(row["id_item"]) not in gone]
    console.pos.replace(ORG, "inventory", kept)
    page = signed_in("dispensary_admin")
    page.goto(f"/orgs/{ORG}")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_role("status")).to_contain_text("wait for a decision", timeout=SYNC_MS)
    # When the manager looks at what would go and approves
    page.get_by_role("link", name="Decide held removal of products").click()
    named = page.get_by_role("table", name="What would go").locator("tbody tr")
    expect(named).to_have_count(len(gone))
    page.get_by_role("button", name="Approve the removal").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve the removal").click()
    # Then a sync removes them
    expect(page.get_by_role("status")).to_contain_text(ENDED, timeout=SYNC_MS)
    menu = set(console.store.documents(f"tenants/{ORG}/{MENU}"))
    assert menu
    assert menu.isdisjoint(gone)
    expect(page.locator(".tile", has_text="Held removals")).to_contain_text("0")


def test_a_wrong_password_is_put_right_in_the_settings_and_a_paused_org_resumes(
    console: ConsoleCloud, signed_in: SignedIn, watch: Watch
) -> None:
    # Given an org whose password the POS has refused until the sync was paused
    (location,) = (
        each
        for each in console.client.collection("locations").stream()
        if (each.to_dict() or {}).get("orgId") == OTHER_ORG
    )
    right = (location.to_dict() or {})["posConfig"]["password"]
    location.reference.update({"posConfig.password": "wrong"})
    for number in range(3):
        message = {"orgId": OTHER_ORG, "runId": f"refused-{number}", "trigger": "cron"}
        console.stack.publish("pos-sync", message)
        run = f"tenants/{OTHER_ORG}/sync_runs/refused-{number}"
        console.wait("a run is refused", partial(_has_ended, console, run))
    assert console.store.status(OTHER_ORG)["status"] == "paused"
    page = signed_in("dispensary_admin", org_id=OTHER_ORG)
    page.goto(f"/orgs/{OTHER_ORG}")
    page.get_by_role("link", name="Correct the settings and resume").click()
    form = page.locator("#location-1 form")
    # When a field is wrong, then the server's words stand beside it
    watch.expected.append("400")
    form.get_by_label("Time zone").fill("Mars/Olympus")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".field__fault")).to_contain_text("no IANA time zone")
    form.get_by_label("Time zone").fill("America/Denver")
    # When the connection is tried with another wrong password, then it says whose turn it is
    form.get_by_label("Password", exact=True).fill("wrong as well")
    form.get_by_role("button", name="Test connection").click()
    expect(form.locator("[data-connection]")).to_contain_text("does not work", timeout=SYNC_MS)
    # and with the right one that it works, before it is saved
    form.get_by_label("Password", exact=True).fill(right)
    form.get_by_role("button", name="Test connection").click()
    expect(form.locator("[data-connection]")).to_contain_text(
        "The connection works", timeout=SYNC_MS
    )
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    # When the org is resumed
    page.get_by_role("button", name="Resume").click()
    # Then it is synced, and is well again
    expect(page.get_by_role("status")).to_contain_text(ENDED, timeout=SYNC_MS)
    assert console.store.status(OTHER_ORG)["status"] == "active"


def test_what_becomes_of_deleted_customers_is_chosen_in_the_settings(
    console: ConsoleCloud, signed_in: SignedIn
) -> None:
    page = signed_in("dispensary_admin", org_id=OTHER_ORG)
    page.goto(f"/orgs/{OTHER_ORG}/settings")
    form = page.locator("#sync form")

    form.get_by_label("Customers deleted at the point of sale").select_option("Kept as they are")
    form.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_contain_text("Saved")
    stored = console.client.document(f"tenants/{OTHER_ORG}").get().to_dict() or {}
    assert stored["sync"]["deletedCustomers"] == "keep"


def test_another_orgs_pages_and_those_of_operators_are_refused(
    signed_in: SignedIn, watch: Watch
) -> None:
    watch.expected.append("403")
    page = signed_in("dispensary_admin")
    other = f"/orgs/{OTHER_ORG}"

    for path in (
        other,
        f"{other}/settings",
        f"{other}/removals",
        "/orgs",
        "/dead-letters",
        "/audit",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 403, path
        expect(page.get_by_role("heading", level=1)).to_have_text("You may not see this")


def _has_ended(console: ConsoleCloud, path: str) -> bool:
    return "endedAt" in (console.client.document(path).get().to_dict() or {})
