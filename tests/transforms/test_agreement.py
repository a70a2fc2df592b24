"""What is drawn by chance, and how well people agree."""

import pytest

from transforms.agreement import agreement, is_drawn

ITEMS = [f"I-{number:06d}" for number in range(20_000)]


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_so_large_a_share_is_drawn(share: float) -> None:
    drawn = sum(is_drawn(item, "blind", share) for item in ITEMS)

    assert drawn / len(ITEMS) == pytest.approx(share, abs=0.01)


def test_what_is_drawn_for_one_purpose_tells_nothing_of_the_other() -> None:
    blind = [item for item in ITEMS if is_drawn(item, "blind", 0.5)]

    both = sum(is_drawn(item, "twice", 0.5) for item in blind)

    assert both / len(blind) == pytest.approx(0.5, abs=0.02)


def test_the_same_item_is_drawn_again_and_stays_in_a_larger_share() -> None:
    drawn = {item for item in ITEMS if is_drawn(item, "twice", 0.1)}

    assert drawn == {item for item in ITEMS if is_drawn(item, "twice", 0.1)}
    assert all(is_drawn(item, "twice", 0.2) for item in drawn)


@pytest.mark.parametrize(
    ("answers", "kappa"),
    [
        ([("same", "same")] * 10 + [("different", "different")] * 10, 1.0),
        ([("same", "same"), ("same", "different")] * 5 + [("different", "same")] * 10, -0.5),
        (
            [("same", "same")] * 20
            + [("same", "different")] * 5
            + [("different", "same")] * 10
            + [("different", "different")] * 15,
            0.4,
        ),
    ],
)
def test_kappa_is_what_agreement_is_beyond_chance(
    answers: list[tuple[str, str]], kappa: float
) -> None:
    assert agreement(answers).kappa == pytest.approx(kappa)


def test_who_always_says_one_word_cannot_be_told_from_chance() -> None:
    found = agreement([("same", "same")] * 40)

    assert (found.agreed.out_of, found.agreed.value, found.kappa) == (40, 1.0, None)


def test_nothing_judged_is_no_agreement() -> None:
    assert agreement([]) == agreement([])._replace(kappa=None)
    assert agreement([]).agreed.out_of == 0
