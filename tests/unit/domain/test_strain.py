"""Strain types: stated, inferred, or not known."""

import pytest

from shared.domain.catalogue import Strain, StrainType, strain_of

INDICA, SATIVA, HYBRID, CBD = (
    StrainType.INDICA,
    StrainType.SATIVA,
    StrainType.HYBRID,
    StrainType.CBD,
)


@pytest.mark.parametrize(
    ("strain", "name", "category", "expected"),
    [
        ("Indica", "Sample Flower", "Flower", Strain(INDICA, inferred=False)),
        (" SATIVA ", "Sample Flower", "Flower", Strain(SATIVA, inferred=False)),
        (" i ", "Sample Flower", "Flower", Strain(INDICA, inferred=False)),
        ("H", "Sample Flower", "Flower", Strain(HYBRID, inferred=False)),
        ("Indica-dominant hybrid", "Sample", "Flower", Strain(HYBRID, inferred=False)),
        ("Indica/Sativa", "Sample", "Flower", Strain(HYBRID, inferred=False)),
        ("Indica", "Sample (Sativa) 1g", "Flower", Strain(INDICA, inferred=False)),
        ("Harbor Haze", "Harbor Haze [Sativa] 1g", "Flower", Strain(SATIVA, inferred=True)),
        (None, "Sample Vape - Indica", "Vapes", Strain(INDICA, inferred=True)),
        (None, "Sample Sativa", "Flower > Indica", Strain(SATIVA, inferred=True)),
        (None, "Sample Eighth", "Flower > Hybrid", Strain(HYBRID, inferred=True)),
        (None, "Sample Grinder", "Accessories", Strain(None, inferred=False)),
        ("Harbor Haze", "Harbor Haze 1g", "Flower", Strain(None, inferred=False)),
        ("CBD", "Sample Flower", "Flower", Strain(CBD, inferred=False)),
        (" high cbd ", "Sample Flower", "Flower", Strain(CBD, inferred=False)),
        ("Sativa CBD", "Sample Flower", "Flower", Strain(SATIVA, inferred=False)),
        (None, "Sample CBD Tincture", "Tinctures", Strain(CBD, inferred=True)),
        (None, "Sample Gummies 1:1 THC:CBD", "Edibles", Strain(None, inferred=False)),
        (None, "Hybridizer Kit", "Accessories", Strain(None, inferred=False)),
    ],
)
def test_a_strain_type_is_stated_else_inferred_else_unknown(
    strain: str | None, name: str, category: str, expected: Strain
) -> None:
    # Given / When / Then
    assert strain_of(strain, name, category) == expected


def test_the_types_are_spelled_as_menus_show_them() -> None:
    assert [strain.value for strain in StrainType] == ["Indica", "Sativa", "Hybrid", "CBD"]
