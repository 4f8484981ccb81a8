"""What is said of a dose follows its numbers: moved or not, as asked or against it, beyond chance or not."""

from __future__ import annotations

from typing import Any

import pytest

from ferlab.errors import FerlabError
from ferlab.evaluation import comparisons
from ferlab.methods import reference_of
from ferlab.report import dose_effects, dose_table, strongest, told_by
from ferlab.runs.doses import recorded_responses

NAMES = ("ce", "tcl-nearest@0.5", "tcl-nearest@2")


def summary_of(values: dict[str, list[list[float]]]) -> dict[str, Any]:
    """``summary.json`` with measures of test faces: name -> a list over the seeds, for each of NAMES."""

    def spread(of: list[float]) -> dict[str, Any]:
        return {"mean": sum(of) / len(of), "std": 0.0, "values": of}

    methods = {
        name: {
            "balanced_accuracy": spread(values["accuracy"][place]),
            "measures": {"test": {measure: spread(of[place]) for measure, of in values.items()}, "train": {}},
        }
        for place, name in enumerate(NAMES)
    }
    references = {name: reference_of(name, methods) for name in NAMES[1:]}
    tests = comparisons(methods, references)
    return {
        "seeds": list(range(len(values["accuracy"][0]))),
        "methods": methods,
        "comparisons": {name: {m: vars(test) for m, test in of.items()} for name, of in tests.items()},
        "doses": recorded_responses(methods),
    }


def one_seed(**values: list[float]) -> dict[str, Any]:
    return summary_of({name: [[value] for value in of] for name, of in values.items()})


def test_one_seed_is_told_as_it_is():
    summary = one_seed(
        open_hinges=[0.8, 0.5, 0.2], mean_margin=[-1.0, -1.5, -2.5], within_between_ratio=[0.34, 0.33, 0.3],
        accuracy=[0.9, 0.9, 0.88],
    )  # fmt: skip
    found = dose_effects(summary, "tcl-nearest")
    assert [effect.measure for effect in found] == ["open_hinges", "mean_margin", "within_between_ratio", "accuracy"]
    assert found[0].sentence().endswith("fell from 80.0 % to 20.0 %, as the loss asks.")
    assert found[2].sentence() == "Within / between: fell from 0.34 to 0.3."
    assert found[3].sentence() == "Accuracy: fell from 90.0 % to 88.0 %."
    assert told_by(found) == "At strength 2, CE + TCL (nearest) does all of what it asks for."


def test_what_does_not_move_is_said_not_to():
    summary = one_seed(
        open_hinges=[0.8, 0.8, 0.795], mean_margin=[-1.0, -1.0, -0.5], within_between_ratio=[0.34, 0.34, 0.335],
        accuracy=[0.9, 0.9, 0.904],
    )  # fmt: skip
    hinges, margin, ratio, accuracy = dose_effects(summary, "tcl-nearest")
    assert all(effect.sentence().endswith("hardly a change.") for effect in (hinges, ratio, accuracy))
    assert margin.sentence().endswith("against what it asks for.") and "rose" in margin.sentence()
    assert " does nothing of what it asks for" in told_by([hinges, margin])


def test_several_seeds_are_tested():
    summary = summary_of(
        {
            "open_hinges": [[0.8, 0.82, 0.79], [0.5, 0.5, 0.5], [0.2, 0.21, 0.2]],
            "accuracy": [[0.9, 0.91, 0.89], [0.9, 0.9, 0.9], [0.87, 0.93, 0.86]],
        }
    )
    hinges, accuracy = dose_effects(summary, "tcl-nearest")
    assert hinges.is_as_asked and "3 seeds, p" in hinges.sentence() and "points, 95 % interval" in hinges.sentence()
    assert not accuracy.has_moved and accuracy.sentence().endswith("no change that these seeds can tell from chance.")
    assert told_by([hinges, accuracy]).endswith("does all of what it asks for beyond chance.")


def test_the_strongest_dose_is_one_that_has_not_broken():
    summary = one_seed(open_hinges=[0.8, 0.5, 0.9], accuracy=[0.9, 0.9, 0.3])
    assert summary["doses"]["tcl-nearest"]["breaks_at"] == 2 and strongest(summary, "tcl-nearest") == 0.5
    assert dose_effects(summary, "tcl-nearest")[0].strength == 0.5
    assert dose_effects(summary, "tcl-nearest", 2)[-1].after == 0.3


def test_table_has_a_row_a_strength():
    table = dose_table(one_seed(open_hinges=[0.8, 0.5, 0.2], accuracy=[0.9, 0.9, 0.88]), "tcl-nearest",
                       {"open_hinges": "hinges open", "nothing": "not measured"})  # fmt: skip
    assert table.index.tolist() == ["0", "0.5", "2"] and table["hinges open"].tolist() == [0.8, 0.5, 0.2]
    assert table["not measured"].isna().all()


def test_what_is_not_there_is_said():
    summary = one_seed(open_hinges=[0.8, 0.5, 0.2], accuracy=[0.9, 0.9, 0.88])
    with pytest.raises(FerlabError, match="no strengths of ad-corre; it holds those of: tcl-nearest"):
        dose_effects(summary, "ad-corre")
    with pytest.raises(FerlabError, match="no strength 3 of tcl-nearest; it has 0, 0.5, 2"):
        dose_effects(summary, "tcl-nearest", 3)
    with pytest.raises(FerlabError, match="None of these"):
        told_by(dose_effects(summary, "tcl-nearest", measures=("accuracy",)))
