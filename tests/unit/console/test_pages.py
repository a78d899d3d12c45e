"""Pages as a browser is sent them."""

import gzip
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.console.static_files import FILES, VERSION
from tests.unit.console.shop import BROWSER, ORG, OTHER, client_of, opened

CUSTOMERS = f"/orgs/{ORG}/customers"


def test_a_page_shows_what_the_json_route_answers_written_for_people() -> None:
    page = opened(CUSTOMERS)

    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    assert "$1,234.50" in page.text
    assert "1,200" in page.text
    # In the org's own zone it was still the day before.
    assert '<time datetime="2026-11-21">Nov 21, 2026</time>' in page.text
    # What is not known is never zero.
    assert "$0.00" not in page.text


def test_a_page_bears_the_name_of_the_org_or_what_its_id_says() -> None:
    assert '<span class="top__org">Birch &amp; Sons</span>' in opened(CUSTOMERS).text
    assert '<span class="top__org">Elm</span>' in opened(f"/orgs/{OTHER}/customers", "sue").text


def test_what_comes_from_a_pos_is_text_and_never_markup() -> None:
    page = opened(CUSTOMERS)

    assert "<b>Ash" not in page.text
    assert "&lt;b&gt;Ash&lt;/b&gt;" in page.text


def test_a_page_allows_no_inline_script_nor_any_other_host() -> None:
    policy = opened(CUSTOMERS).headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "https:" not in policy


def test_a_page_has_no_inline_script_style_or_handler() -> None:
    for path in (CUSTOMERS, f"{CUSTOMERS}?q=nobody", "/nowhere"):
        text = opened(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", text)


def test_a_page_is_kept_by_nobody_and_says_whose_request_it_was() -> None:
    page = opened(CUSTOMERS)

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Request-Id"] in page.text


def test_a_page_is_compressed_where_the_browser_accepts_it() -> None:
    page = opened(CUSTOMERS, **{"Accept-Encoding": "br, gzip"})

    assert page.headers["Content-Encoding"] == "gzip"
    assert b"$1,234.50" in gzip.decompress(page.data)


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0"])
def test_a_page_is_sent_as_it_is_to_others(accepted: str) -> None:
    page = opened(CUSTOMERS, **{"Accept-Encoding": accepted})

    assert "Content-Encoding" not in page.headers
    assert "$1,234.50" in page.text


def test_a_link_to_the_next_page_keeps_what_is_asked_for() -> None:
    text = opened(f"{CUSTOMERS}?segment=vip&sort=lastName").text

    found = re.search(r'rel="next" href="([^"]+)"', text)
    assert found is not None
    query = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    assert query == {"segment": ["vip"], "sort": ["lastName"], "cursor": ["two"]}


def test_a_field_that_was_left_blank_is_as_one_that_was_not_sent() -> None:
    assert opened(f"{CUSTOMERS}?q=&segment=").status_code == 200


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back() -> None:
    page = opened(f"{CUSTOMERS}?q=ann%26x", who=None)

    assert page.status_code == 303
    where = urlsplit(page.headers["Location"])
    assert where.path == "/sign-in"
    assert parse_qs(where.query) == {"next": [f"{CUSTOMERS}?q=ann%26x"]}


@pytest.mark.parametrize(
    ("path", "who", "status", "heading"),
    [
        (f"/orgs/{OTHER}/customers", "ann", 403, "You may not see this"),
        (CUSTOMERS, "joe", 403, "You may not see this"),
        ("/orgs/org_unknown/customers", "sue", 404, "There is nothing here"),
        ("/nowhere", "ann", 404, "There is nothing here"),
        (f"{CUSTOMERS}?q=gone", "ann", 404, "There is nothing here"),
        (f"{CUSTOMERS}?sort=none", "ann", 400, "This address cannot be read"),
        (f"{CUSTOMERS}?q=broken", "ann", 500, "Something went wrong on our side"),
    ],
)
def test_an_error_is_a_page_that_says_what_to_do(
    path: str, who: str, status: int, heading: str
) -> None:
    page = opened(path, who)

    assert page.status_code == status
    assert f"<h1>{heading}</h1>" in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert "ZeroDivisionError" not in page.text


@pytest.mark.parametrize("accepted", ["application/json", "*/*", "text/html;q=0, */*"])
def test_a_program_is_told_of_an_error_in_json(accepted: str) -> None:
    answer = opened(f"/orgs/{OTHER}/customers", Accept=accepted)

    assert answer.status_code == 403
    assert answer.json is not None
    assert answer.json["error"]["code"] == "not_allowed"


def test_the_json_routes_answer_a_browser_in_json_too() -> None:
    answer = opened(f"/api/customers?orgId={OTHER}")

    assert answer.json is not None
    assert answer.json["error"]["code"] == "not_allowed"


@pytest.mark.parametrize(
    ("who", "where"), [("ann", f"/orgs/{ORG}"), ("bob", f"/orgs/{ORG}"), ("sue", "/orgs")]
)
def test_the_start_is_the_own_org_or_all_of_them(who: str, where: str) -> None:
    page = opened("/", who)

    assert (page.status_code, page.headers["Location"]) == (303, where)


def test_who_sees_every_org_or_several_may_switch_and_others_need_not() -> None:
    assert 'href="/dead-letters"' in opened(CUSTOMERS, "sue").text
    assert f'href="/orgs/{OTHER}"' in opened(CUSTOMERS, "bob").text
    own = opened(CUSTOMERS, "ann").text
    assert "Switch org" not in own
    assert "/dead-letters" not in own


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_static_file_is_kept_for_ever_under_its_version(name: str) -> None:
    found = client_of().get(f"/assets/{VERSION}/{name}", headers={"Accept-Encoding": "gzip"})

    assert found.status_code == 200
    assert gzip.decompress(found.data) == FILES[name].data
    assert "immutable" in found.headers["Cache-Control"]


def test_a_static_file_of_another_version_is_asked_for_each_time() -> None:
    found = client_of().get("/assets/of-another/console.css")

    assert (found.status_code, found.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("name", ["..", "..%2Frendering.py", "none.css"])
def test_what_is_no_static_file_is_not_there(name: str) -> None:
    found = client_of().get(f"/assets/{VERSION}/{name}", headers=BROWSER)

    assert found.status_code in (400, 404)
