#!/usr/bin/env python3
"""Tests the documentation.

usage: docs.py links ROOT            checks that every relative link has a target
       docs.py snippets ROOT FOLDER  writes each ```cpp block as a program into FOLDER, to be compiled
       docs.py commands ROOT         runs the ```sh blocks of README.md, in order, in a clean copy of the tree

A ```cpp block with a main() is a complete program. Any other is compiled as statements inside a function; declarations
that these need go into a comment right before the block: <!-- given: Context context; -->
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
GIVEN = re.compile(r"<!--\s*given:((?:(?!-->).)*)-->\s*\Z", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
INCLUDE = re.compile(r"^#include[^\n]*\n", re.MULTILINE)
# Cloning needs the published address; the long commands run this script or are separate steps of .ci/run.
NOT_RUN = re.compile(r"(git clone|cd unroll|make (test|long|bench|format))\b")
FRAGMENT = """#include <fmt/format.h>
#include <unroll/unroll.h>

#include <cmath>
#include <string>
#include <vector>
{includes}
using namespace unroll;

void snippet() {{
{given}
#line {line} "{document}"
{body}}}

int main() {{}}
"""


class Block:
    def __init__(self, document, language, body, line, given):
        self.document, self.language, self.body, self.line, self.given = document, language, body, line, given


def documents(root):
    return sorted([*root.glob("*.md"), *root.glob("*/*.md")])


def blocks_of(path, root):
    text = path.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        given = GIVEN.search(text, 0, match.start())
        line = text.count("\n", 0, match.start(2)) + 1
        name = str(path.relative_to(root))
        yield Block(name, match.group(1), match.group(2), line, given.group(1).strip() if given else "")


def program_of(block):
    if re.search(r"\bint main\(", block.body):
        return f'#line {block.line} "{block.document}"\n{block.body}'
    # Includes are blanked, not removed, so that line numbers in messages are those of the document.
    return FRAGMENT.format(includes="".join(INCLUDE.findall(block.body)), given=block.given, line=block.line,
                           document=block.document, body=INCLUDE.sub("\n", block.body))


def write_snippets(root, folder):
    count = 0
    for path in documents(root):
        for block in blocks_of(path, root):
            if block.language == "cpp":
                name = re.sub(r"\W", "_", block.document.removesuffix(".md"))
                (folder / f"{name}_{block.line}.cc").write_text(program_of(block), encoding="utf-8")
                count += 1
    print(f"{count} blocks of C++ in the documentation")
    return 0


def broken_links(root):
    for path in documents(root):
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        for target in LINK.findall(text):
            file = target.partition("#")[0]
            if file and ":" not in file and not (path.parent / file).exists():
                yield f"{path.relative_to(root)}: the link to {target} leads nowhere"


def check_links(root):
    broken = list(broken_links(root))
    for line in broken:
        print(line)
    return 1 if broken else 0


def copy_tree(root, target):
    """Copies the files that a clone would contain."""
    ignore = shutil.ignore_patterns(".git", "build*", "runs", "shared", "__pycache__", ".venv")
    shutil.copytree(root, target, ignore=ignore)


def commands_of(block):
    """The block's commands, one per logical line, except those that are not run here."""
    joined = block.body.replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [line for line in lines if not NOT_RUN.match(line.strip())]


def run_commands(root):
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "unroll"
        copy_tree(root, tree)
        # If a compiler cache is in use, it treats the files of the copy as the originals.
        environment = {**os.environ, "CCACHE_BASEDIR": str(tree)}
        count = 0
        for block in blocks_of(root / "README.md", root):
            if block.language != "sh":
                continue
            for command in commands_of(block):
                print(f"README.md:{block.line}: {command}", flush=True)
                start = time.monotonic()
                result = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tree, env=environment,
                                        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
                print(f"  {time.monotonic() - start:.1f} s, exit status {result.returncode}", flush=True)
                if result.returncode != 0:
                    print(result.stdout.decode("utf-8", "replace"))
                    return 1
                count += 1
    if count == 0:
        print("README.md has no command to run")
        return 1
    return 0


def main():
    actions = {"links": (check_links, 3), "snippets": (write_snippets, 4), "commands": (run_commands, 3)}
    action, arity = actions.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if action is None or len(sys.argv) != arity:
        sys.exit(__doc__)
    sys.exit(action(*(Path(a).resolve() for a in sys.argv[2:])))


if __name__ == "__main__":
    main()
