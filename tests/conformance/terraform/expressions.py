"""Compares the values of expressions with those of tfparse. Prints one line per group, and each difference."""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from shutil import copytree

import tfparse

SAME, DOCUMENTED, DIFFERENT = "same", "differ as documented", "differ"

HERE = Path(__file__).resolve().parent
EXPRESSIONS = HERE / "../../../sym-sdk/tests/it/terraform/expressions"


def read(path):
    """Returns the expressions of a file with their results: a value as JSON, or `None` for an error."""
    expressions, lines = [], []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith(("=> ", "!! ")):
            value = line.removeprefix("=> ") if line.startswith("=> ") else None
            expressions.append(("\n".join(lines), value))
            lines = []
        elif lines or not (line == "" or line.startswith("# ")):
            lines.append(line)
    return expressions


def evaluate(expressions):
    """Returns what tfparse makes of the expressions. It reports no errors, but leaves an attribute with one unset.

    Each expression has a file of its own, because a file with a syntax error is passed over as a whole. All are encoded as JSON, since
    tfparse squeezes numbers.
    """
    with tempfile.TemporaryDirectory() as parent:
        root = Path(parent) / "root"
        copytree(EXPRESSIONS / "files", root)
        for number, (expression, _) in enumerate(expressions):
            block = f'resource "sym_expression" "e{number}" {{\n  value = jsonencode(\n{expression}\n)\n}}\n'
            (root / f"e{number}.tf").write_text(block, encoding="utf-8")
        found = tfparse.load_from_path(str(root)).get("sym_expression", [])
    values = {resource["__tfmeta"]["path"]: resource.get("value") for resource in found}
    return [values.get(f"sym_expression.e{number}") for number in range(len(expressions))]


def is_same(ours, theirs):
    """Returns whether two values are the same JSON. Numbers are compared digit by digit."""
    return ours == theirs or None not in (ours, theirs) and json.loads(ours, parse_float=str) == json.loads(theirs, parse_float=str)


def compare(path, reasons, seen):
    """Counts the outcomes of a file, and prints the differences that have no reason."""
    counts = Counter({SAME: 0, DOCUMENTED: 0, DIFFERENT: 0})
    expressions = read(path)
    for (expression, ours), theirs in zip(expressions, evaluate(expressions), strict=True):
        try:
            same = is_same(ours, theirs)
        except ValueError:
            same = False
        if same:
            counts[SAME] += 1
        elif expression in reasons:
            seen.add(expression)
            counts[DOCUMENTED] += 1
        else:
            counts[DIFFERENT] += 1
            print(f"{path.stem}: {expression}\n  sym-sdk  {ours or 'an error'}\n  tfparse  {theirs or 'an error'}")
    return counts


def main():
    reasons = {}
    for difference in json.loads((HERE / "expression-differences.json").read_text(encoding="utf-8")):
        reasons.update(dict.fromkeys(difference["expressions"], difference["why"]))
    paths = sorted(Path(path) for path in sys.argv[1:]) or sorted(EXPRESSIONS.glob("*.txt"))
    total, seen = Counter(), set()
    for path in paths:
        counts = compare(path, reasons, seen)
        total.update(counts)
        print(f"{path.stem:<22} {', '.join(f'{count} {outcome}' for outcome, count in counts.items())}")
    unseen = [] if sys.argv[1:] else sorted(set(reasons) - seen)
    for expression in unseen:
        print(f"a reason is listed, but there is no difference: {expression}")
    print(f"expressions: {', '.join(f'{count} {outcome}' for outcome, count in total.items())}")
    return 1 if total[DIFFERENT] or unseen or not total[SAME] else 0


if __name__ == "__main__":
    sys.exit(main())
