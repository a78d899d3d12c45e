"""A wrong ``posConfig.locationId``, where the POS lists no locations to hold it against."""

from tests.unit.pos.alleaves.rows import stock
from tests.unit.services.sync_in_memory import first_sync


def test_a_location_without_any_stock_is_told_of_with_the_setting_that_names_it() -> None:
    (warning,) = first_sync([]).run.warnings
    assert warning == (
        "The POS lists no stock at all for its location 1000: see whether posConfig.locationId of"
        " location main-street is right."
    )


def test_a_location_that_is_sold_out_or_whose_rows_cannot_be_read_is_not() -> None:
    for row in (stock(available=0, on_hand=0), "not an object"):
        assert first_sync([row]).run.warnings == []
