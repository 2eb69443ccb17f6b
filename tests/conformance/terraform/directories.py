"""Compares how sym-sdk reads directories of Terraform files with how tfparse does.

tfparse is HashiCorp's parser and evaluator of expressions, behind a scanner's own idea of modules. It merges no overrides, enforces no
conditions and reports no errors, so only the resources of directories without errors are compared.
"""

import json
import sys
import tempfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import tfparse

# The attributes of resources that are compared, by type.
ATTRIBUTES = {
    "sym_flow": ["name", "label", "vars"],
    "sym_integration": ["type", "name", "settings"],
    "sym_target": ["type", "name", "label", "settings"],
}


def text(value):
    """Returns a value as the provider receives it: as a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)


def attribute(value):
    if isinstance(value, dict):
        entries = {key: text(entry) for key, entry in value.items() if not key.startswith("__")}
        return {key: entry for key, entry in entries.items() if entry is not None} or None
    return text(value) or None


def resources(found, kind):
    """Returns the compared attributes of all resources of a type, sorted."""
    rows = [{name: attribute(row.get(name)) for name in ATTRIBUTES[kind]} for row in found]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def read_by_tfparse(directory, options):
    """Reads a directory, without the files of this comparison."""
    with tempfile.TemporaryDirectory() as parent:
        copy = Path(parent) / "root"
        copytree(directory, copy, ignore=ignore_patterns("expected.json", "options.json"))
        files = [entry.removeprefix("file:") for entry in options.get("assign", []) if entry.startswith("file:")]
        automatic = sorted(path.name for path in copy.iterdir() if ".auto.tfvars" in path.name)
        own = [name for name in ("terraform.tfvars", "terraform.tfvars.json") if (copy / name).exists()]
        workspace = options.get("workspace") or options.get("environment", {}).get("TF_WORKSPACE", "default")
        return tfparse.load_from_path(str(copy), workspace_name=workspace, vars_paths=own + automatic + files or None)


def compare(directory):
    """Returns the differences of a directory, or `None` if it is not compared."""
    expected = json.loads((directory / "expected.json").read_text())
    if expected.get("errors"):
        return None
    options_file = directory / "options.json"
    options = json.loads(options_file.read_text()) if options_file.exists() else {}
    try:
        parsed = read_by_tfparse(directory, options)
    except tfparse.ParseError as error:
        return [{"tfparse": str(error)}]
    differences = []
    for kind in ATTRIBUTES:
        ours = resources([row for row in expected.get("resources", []) if row["resource"] == kind], kind)
        theirs = resources(parsed.get(kind, []), kind)
        if ours != theirs:
            differences.append({"type": kind, "sym-sdk": ours, "tfparse": theirs})
    return differences


def main():
    here = Path(__file__).parent
    root = here / "../../../sym-sdk/tests/data/terraform-directories"
    reasons = json.loads((here / "directory-differences.json").read_text())
    same = documented = skipped = failed = 0
    for directory in sorted(path for path in root.iterdir() if path.is_dir()):
        differences = compare(directory)
        reason = reasons.pop(directory.name, None)
        if differences is None:
            skipped += 1
        elif differences and reason:
            documented += 1
        elif differences:
            failed += 1
            print(f"{directory.name} differs: {json.dumps(differences, indent=2)}")
        elif reason:
            failed += 1
            print(f"{directory.name} is the same, but a reason for a difference is listed")
        else:
            same += 1
    for name in reasons:
        failed += 1
        print(f"{name} is listed, but there is no such directory")
    print(f"directories: {same} same, {documented} differ as documented, {failed} differ, {skipped} have errors and are not compared")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
