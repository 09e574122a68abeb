"""Ask only for what you need, and see what that saves.

    python examples/pick_outputs.py
    python examples/pick_outputs.py --outputs verdict --depth fast

Only the modules behind the outputs that are named are run, and those that these depend on, so that what is left has the
values of the whole reading: the verdict and the confidence of the full depth read all modules, and save nothing. Both
ways of asking are timed in turn, so that a busy machine disturbs both alike.
"""

import argparse
import time
from statistics import median

from redheart.configuration.labels import OUTPUTS
from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.loading import load_pipeline

TEXTS = [
    "I told my sister's secret to her fiancé, and now the wedding is off.",
    "My neighbour waters our plants whenever we are away, and never wants anything for it.",
    "My boss read my messages and then asked me to apologise for them.",
]

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--model", default=DEFAULT_MODEL)
parser.add_argument("--outputs", nargs="+", default=["emotion", "bentham"], choices=OUTPUTS)
parser.add_argument("--depth", default="full", choices=["full", "fast"])
parser.add_argument("--runs", type=int, default=10)
options = parser.parse_args()

read = load_pipeline(options.model)
picked = {"outputs": options.outputs, "depth": options.depth}
times: dict[str, list[float]] = {"everything": [], "picked": []}
for run in range(options.runs + 2):
    for name, asked in (("everything", {}), ("picked", picked)):
        start = time.perf_counter()
        read(TEXTS, batch_size=len(TEXTS), **asked)
        if run >= 2:  # the first ones set things up
            times[name].append(1000 * (time.perf_counter() - start))

reading = read(TEXTS[0], **picked)
print(TEXTS[0])
for name in options.outputs:
    part = reading.get(name, "withheld: nothing supervised it")
    print(f"  {name}: {part['asserted'] if name == 'emotion' and 'emotion' in reading else part}")
everything, some = median(times["everything"]), median(times["picked"])
print(f"{len(TEXTS)} texts: everything {everything:.1f} ms, picked {some:.1f} ms ({1 - some / everything:.0%} saved)")
