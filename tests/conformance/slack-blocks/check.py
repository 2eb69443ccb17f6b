"""Checks golden views and messages with slack-sdk and @slack/types. Prints one line per file."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block, ConfirmObject, Option, OptionGroup
from slack_sdk.models.views import View

# The kinds of golden files, with their types in @slack/types.
KINDS = {
    "view": "ModalView",
    "message": "{ text: string; blocks: KnownBlock[] }",
    "options": "{ options: PlainTextOption[] }",
}


def kind_of(golden):
    if not isinstance(golden, dict):
        raise ValueError("not an object")
    if golden.get("type") == "modal":
        return "view"
    if "text" in golden:
        return "message"
    if "options" in golden:
        return "options"
    raise ValueError("neither a view, nor a message, nor options")


def by_slack_sdk(kind, golden):
    """Returns the faults that slack-sdk finds in a golden file."""
    if kind == "view":
        view = View(**golden)
        validate(view)
        again = view.to_dict()
    elif kind == "message":
        blocks = Block.parse_all(golden["blocks"])
        validate(blocks)
        again = {**golden, "blocks": [block.to_dict() for block in blocks]}
    else:
        options = Option.parse_all(golden["options"])
        validate(options)
        again = {"options": [option.to_dict() for option in options]}
    return [] if json.dumps(again, sort_keys=True) == json.dumps(golden, sort_keys=True) else [difference(golden, again)]


# The members that the models leave as dictionaries, with their models.
UNPARSED_MEMBERS = {
    "confirm": ConfirmObject,
    "initial_option": Option,
    "initial_options": Option,
    "option_groups": OptionGroup,
    "options": Option,
}


def validate(value, key=None):
    """Runs the validators of a model and of everything nested in it, since validators are not recursive."""
    if isinstance(value, (list, tuple)):
        for inner in value:
            validate(inner, key)
    elif isinstance(value, dict):
        if key in UNPARSED_MEMBERS and "type" not in value:
            validate(UNPARSED_MEMBERS[key](**value))
        for inner_key, inner in value.items():
            validate(inner, inner_key)
    elif isinstance(value, JsonObject):
        value.validate_json()
        for inner_key, inner in vars(value).items():
            validate(inner, inner_key)


def difference(golden, again, path=""):
    """Describes the first difference between two values."""
    if isinstance(golden, dict) and isinstance(again, dict) and golden.keys() == again.keys():
        pairs = ((key, golden[key], again[key]) for key in golden)
    elif isinstance(golden, list) and isinstance(again, list) and len(golden) == len(again):
        pairs = ((at, *pair) for at, pair in enumerate(zip(golden, again)))
    else:
        return f"slack-sdk writes {path or '/'} as {json.dumps(again)[:200]}, expected {json.dumps(golden)[:200]}"
    return next(difference(one, other, f"{path}/{key}") for key, one, other in pairs if one != other)


def by_slack_types(installed, goldens):
    """Returns the faults that tsc finds, by file. A literal must not have keys that its type lacks."""
    folder = installed / "checked"
    folder.mkdir(exist_ok=True)
    for stale in folder.glob("*.ts"):
        stale.unlink()
    sources = {}
    for number, (path, (kind, golden)) in enumerate(goldens.items()):
        source = folder / f"golden{number}.ts"
        source.write_text(
            'import type { KnownBlock, ModalView, PlainTextOption } from "@slack/types";\n'
            f"export const golden: {KINDS[kind]} = {json.dumps(golden, indent=1)};\n"
        )
        sources[source.name] = path
    faults = defaultdict(list)
    tsc = installed / "node_modules" / "typescript" / "bin" / "tsc"
    # Without `types`, tsc would include packages from parent directories.
    options = {"noEmit": True, "strict": True, "types": [], "target": "es2022", "module": "nodenext"}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    command = ["node", str(tsc), "--project", str(folder), "--pretty", "false"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    for line in found.stdout.splitlines():
        located = re.match(r"(golden\d+\.ts)\((\d+),\d+\): (.*)", line)
        if located:
            faults[sources[located[1]]].append(f"@slack/types: line {int(located[2]) - 1}: {located[3]}")
    if found.returncode and not faults:
        print(f"slack-blocks: tsc failed: {found.stdout}{found.stderr}", file=sys.stderr)
        sys.exit(2)
    return faults


def main():
    installed, *folders = map(Path, sys.argv[1:])
    paths = sorted(path for folder in folders for path in folder.glob("*.json"))
    if not paths:
        print("slack-blocks: no golden files", file=sys.stderr)
        return 2
    goldens, faults = {}, defaultdict(list)
    for path in paths:
        try:
            golden = json.loads(path.read_text(encoding="utf-8"))
            kind = kind_of(golden)
            goldens[path] = (kind, golden)
            faults[path] += by_slack_sdk(kind, golden)
        except (SlackObjectFormationError, ValueError, TypeError, KeyError, AttributeError) as error:
            faults[path].append(f"slack-sdk: {type(error).__name__}: {error}")
    for path, found in by_slack_types(installed, goldens).items():
        faults[path] += found
    for path in paths:
        kind = goldens[path][0] if path in goldens else "?"
        print(f"{'FAIL' if faults[path] else 'ok  '} {kind:<7} {path.parent.parent.name}/{path.name}")
        for fault in faults[path]:
            print(f"     {fault}")
    failed = sum(bool(faults[path]) for path in paths)
    print(f"{len(paths)} files, {failed} with faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
