# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Dashboard for the instructor
#
# Where the class stands, from the tables that `ferlab grade` wrote. Run it again after every grading; nothing of a student's is
# executed. It names students: keep it to yourself.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown, display

folder = Path("build/grades")  # what --out named
while not (folder / "parts.csv").exists() and len(folder.parts) < 12:
    folder = Path("..") / folder
parts = pd.read_csv(folder / "parts.csv", keep_default_na=False)
grades = pd.read_csv(folder / "grades.csv", keep_default_na=False)
parts["share"] = parts["points"] / parts["out of"]
unmarked = parts["reason"].eq("Not marked yet.")

# %% [markdown]
# ## Who is where
#
# The share of the points of each part; empty where a student has not begun, grey where a person has yet to mark.

# %%
sums = parts.groupby(["student", "assignment", "part"], sort=False).agg(
    points=("points", "sum"), out_of=("out of", "sum"), begun=("begun", "max")
)
shares = (sums["points"] / sums["out_of"]).where(sums["begun"] == 1).unstack(["assignment", "part"])
if len(shares):
    figure, axes = plt.subplots(figsize=(2 + 0.42 * shares.shape[1], 1.5 + 0.3 * len(shares)), layout="constrained")
    picture = axes.imshow(shares, vmin=0, vmax=1, cmap="cividis", aspect="auto")
    axes.set_xticks(range(shares.shape[1]), [f"{name[:1]} {part}" for name, part in shares.columns], rotation=90)
    axes.set_yticks(range(len(shares)), shares.index)
    figure.colorbar(picture, label="share of the points")
    plt.show()
display(grades[["student", "points", "out of", "to mark", "to look at"]])

# %% [markdown]
# ## Which exercise holds the class up
#
# Of those who began a part: the median share of its points, the hardest first; and how many have not begun it.

# %%
begun = sums[sums["begun"] == 1]
hardest = pd.DataFrame(
    {
        "median share": (begun["points"] / begun["out_of"]).groupby(["assignment", "part"]).median(),
        "begun": sums.groupby(["assignment", "part"])["begun"].sum(),
        "of": sums.groupby(["assignment", "part"]).size(),
    }
).sort_values("median share")
display(hardest)
if len(hardest):
    (name, part), row = hardest.index[0], hardest.iloc[0]
    display(
        Markdown(
            f"**{part}** of {name} holds the class up most: half of those who began it have {row['median share']:.0%} or less."
        )
    )

# %% [markdown]
# ## What goes wrong, in the checks' own words
#
# The sentences that more than one student got: what to talk about in the next session.

# %%
lost = parts[(parts["points"] < parts["out of"]) & (parts["begun"] == 1) & ~unmarked & (parts["kind"] != "written")]
display(
    lost.groupby(["assignment", "part", "reason"])
    .agg(students=("student", "nunique"))
    .query("students > 1")
    .sort_values("students", ascending=False)
)
Markdown(f"Lines of rubrics that nobody has marked yet: {int(unmarked.sum())}, in {folder / 'to_mark.csv'}.")
