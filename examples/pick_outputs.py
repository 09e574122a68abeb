"""Ask only for the outputs that you need, and see how much time that saves.

    python examples/pick_outputs.py
    python examples/pick_outputs.py --outputs verdict --depth fast

Only the modules behind the named outputs run, and those that they depend on, so the values are those of a whole
reading. The verdict and the confidence of the full depth depend on all modules, and save nothing. Both calls are timed
in turn, so that a busy machine disturbs both alike.
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
parser.add_argument("--model", default=DEFAULT_MODEL, help="model to read with")
parser.add_argument("--outputs", nargs="+", default=["emotion", "bentham"], choices=OUTPUTS, help="outputs to give")
parser.add_argument("--depth", default="full", choices=["full", "fast"], help="fast: the heads alone")
parser.add_argument("--runs", type=int, default=10, help="timed readings")
options = parser.parse_args()

read = load_pipeline(options.model)
picked = {"outputs": options.outputs, "depth": options.depth}
times: dict[str, list[float]] = {"everything": [], "picked": []}
for run in range(options.runs + 2):
    for name, arguments in (("everything", {}), ("picked", picked)):
        start = time.perf_counter()
        read(TEXTS, batch_size=len(TEXTS), **arguments)
        if run >= 2:  # the first runs are warm-up
            times[name].append(1000 * (time.perf_counter() - start))

reading = read(TEXTS[0], **picked)
print(TEXTS[0])
for name in options.outputs:
    part = reading.get(name, "withheld: no training data supervised it")
    print(f"  {name}: {part['asserted'] if name == 'emotion' and 'emotion' in reading else part}")
everything, some = median(times["everything"]), median(times["picked"])
print(f"{len(TEXTS)} texts: everything {everything:.1f} ms, picked {some:.1f} ms ({1 - some / everything:.0%} saved)")
