"""What the numbers of a run allow one to say, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass, field

from ferlab.report.findings import find
from ferlab.report.headline import headline, summary_sentences
from ferlab.report.sentences import accuracy_sentences, asked_sentences, space_sentences, untrained_sentence
from ferlab.runs.reading import Run


@dataclass(frozen=True)
class Verdict:
    """A headline and the sentences that carry it.

    Attributes:
        headline: the whole in one sentence.
        sentences: one for every comparison, and what else must be said.
        short: two or three that sum them up, for many comparisons; empty where `sentences` are few.
    """

    headline: str
    sentences: list[str]
    short: list[str] = field(default_factory=list)


def verdict(run: Run) -> Verdict:
    """Say what a run shows, and no more: did each loss do what it asks for, what did that cost, what else moved.

    A loss does what it asks for where each of its measures has moved to where it pulls it; with three seeds or more
    only if the corrected test says so for each.
    Accuracy: with one seed no difference is claimed, however large, since seed and method cannot be told apart; with
    three or more, a method differs when the paired t-test over the seeds, corrected for the number of methods (Holm),
    says so. Geometry: a within/between ratio counts as changed from 10 % of the reference on; with several seeds only
    if every seed agrees, with three or more also only if the corrected test agrees; then other measures that this test
    finds changed are named too (corrected for the methods within each measure, not for the number of measures).
    `ad-corre` is compared with `ce-heads`, the same network without its terms, where that was run.
    """
    found = find(run)
    sentences = asked_sentences(found) + accuracy_sentences(found)
    if found.untrained:
        sentences.append(untrained_sentence(found.untrained))
    sentences += [space_sentences(change) for change in found.spaces]
    if found.is_quick:
        sentences.append(
            "This was a quick run: few faces, few epochs. It shows how the parts work together, not how well the "
            "methods do."
        )
    short = accuracy_sentences(found)[:1] + summary_sentences(found) if found.has_many_tests else []
    return Verdict(headline(found), sentences, short)
