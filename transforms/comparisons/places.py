"""Compare where two records are at home."""

from transforms.comparisons.shape import Comparison, Level

_STREET = "jaro_winkler_similarity(street_key_l, street_key_r)"
_ONE_PLACE = (
    "(postcode_key_l = postcode_key_r or city_key_l = city_key_r"
    " or ((postcode_key_l = postcode_key_r) is null and (city_key_l = city_key_r) is null))"
)
"""Many places have a 12 Main Street."""
_STREETS_ALIKE = (
    f"(street_key_l = street_key_r or {_STREET} >= 0.9"
    " or starts_with(street_key_l, street_key_r || ' ')"
    " or starts_with(street_key_r, street_key_l || ' '))"
)
"""One may go on behind the other: the quarter, the entrance, what is near."""

ADDRESS = Comparison(
    ("address_key", "street_key", "house_number", "postcode_key", "city_key"),
    "(postcode_key_l = postcode_key_r) is null and (city_key_l = city_key_r) is null"
    " and (address_key_l = address_key_r) is null",
    (
        Level(
            "same address",
            f"address_key_l = address_key_r and {_ONE_PLACE}",
            0.6,
            0.7,
            0.00002,
        ),
        Level(
            "same house",
            "house_number_l = house_number_r and (postcode_key_l = postcode_key_r"
            f" or (city_key_l = city_key_r and {_STREETS_ALIKE}))",
            0.08,
            0.08,
            0.00002,
        ),
        Level(
            "same house and street, perhaps of another place",
            f"house_number_l = house_number_r and {_STREETS_ALIKE}",
            0.03,
            0.03,
            0.00004,
        ),
        Level(
            "street spelt nearly the same",
            f"{_STREET} >= 0.9 and (postcode_key_l = postcode_key_r or city_key_l = city_key_r)",
            0.05,
            0.05,
            0.0001,
        ),
        Level("same postcode", "postcode_key_l = postcode_key_r", 0.06, 0.05, 0.0004),
        Level(
            "postcode and city nearly the same",
            "damerau_levenshtein(postcode_key_l, postcode_key_r) = 1"
            " and jaro_winkler_similarity(city_key_l, city_key_r) >= 0.9",
            0.01,
            0.01,
            0.00003,
        ),
        Level("same city", "city_key_l = city_key_r", 0.06, 0.05, 0.005, "city_key"),
        Level(
            "city spelt nearly the same",
            "jaro_winkler_similarity(city_key_l, city_key_r) >= 0.92",
            0.02,
            0.01,
            0.002,
        ),
        Level("elsewhere", "ELSE", 0.2, 0.12, 0.995),
    ),
)

COUNTRY = Comparison(
    ("country",),
    "(country_l = country_r) is null",
    (
        Level("same country", "country_l = country_r", 0.98, 0.98, 0.9),
        Level("another country", "ELSE", 0.02, 0.02, 0.1),
    ),
    goes_with_names=True,
)
