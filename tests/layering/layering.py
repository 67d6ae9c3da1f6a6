#!/usr/bin/env python3
"""Checks the layout of the source tree: includes between modules, public headers, file lengths, machine paths.

usage: layering.py ROOT

The unroll_module() table of src/CMakeLists.txt says what each module may include. Prints one line per finding and exits
with 1 if there is any.
"""
import os
import re
import sys
from pathlib import Path

MAX_LINES = 600
MAX_PUBLIC_HEADERS = 26
MAX_PUBLIC_LINES = 3200
MAX_PROGRAM_LINES = 4700
UMBRELLA = "unroll.h"
KEYWORDS = ("KNOWS", "PUBLIC", "LIBS", "HEADERS")
SKIPPED_FOLDERS = re.compile(r"\.git|build.*|runs|shared|__pycache__|\.venv")
CODE = re.compile(r".*\.(h|cc|cpp|py|sh|cmake)|CMakeLists\.txt|Makefile")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
ABSOLUTE_PATH = re.compile(r"""(?<=["'`\s=(:])/([a-z][\w.-]*)/[\w.]""")
EVERYWHERE = {"usr", "etc", "proc", "sys", "dev", "bin", "lib", "no"}  # /no/such/file is for tests


class Module:
    def __init__(self, knows, public):
        self.knows = knows
        self.public = public


def parse_modules(cmake_text):
    """The table of unroll_module() and unroll_plugin_module(): name -> Module."""
    modules = {}
    text = re.sub(r"#[^\n]*", "", cmake_text)
    for call in re.finditer(r"\bunroll_(?:plugin_)?module\s*\(([^)]*)\)", text):
        name, *words = call.group(1).split()
        lists = {keyword: [] for keyword in KEYWORDS}
        current = None
        for word in words:
            if word in KEYWORDS:
                current = word
            else:
                lists[current].append(word)
        modules[name] = Module(lists["KNOWS"], lists["PUBLIC"])
    return modules


def reachable(modules, name):
    """The module itself and all modules that it knows, directly or through others."""
    seen, todo = set(), [name]
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += modules[module].knows
    return seen


def files_below(root):
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if not SKIPPED_FOLDERS.fullmatch(n))
        for file in sorted(files):
            yield Path(folder, file)


def code_in(folder):
    return [p for p in files_below(folder) if p.suffix in (".h", ".cc", ".cpp")]


def includes_of(path):
    """(is a system include, path, line number) for each #include."""
    text = path.read_text(encoding="utf-8")
    return [(m.group(1) == "<", m.group(2), text.count("\n", 0, m.start(2)) + 1) for m in INCLUDE.finditer(text)]


def check_module_includes(root, modules, owner):
    """Everything in src/MODULE includes only what MODULE knows."""
    for path in code_in(root / "src"):
        module = path.relative_to(root / "src").parts[0]
        if module not in modules:
            yield f"{path.relative_to(root)}: {module} is no module of src/CMakeLists.txt"
            continue
        allowed = reachable(modules, module)
        for system, target, line in includes_of(path):
            if system:
                continue
            place = f"{path.relative_to(root)}:{line}"
            first, _, rest = target.partition("/")
            if target == f"unroll/{UMBRELLA}":
                yield f"{place}: \"{target}\" is for programs that use the library"
                continue
            needed = owner.get(rest) if first == "unroll" else first
            if needed not in modules:
                yield f"{place}: \"{target}\" belongs to no module"
            elif needed not in allowed:
                yield f"{place}: {module} does not know {needed}, but includes \"{target}\""


def check_tools(root, modules):
    """The program includes its own headers, those of tools/bench and public ones; the benchmarks every module."""
    public = {p.name for p in code_in(root / "include")}
    for path in code_in(root / "tools"):
        tool = path.relative_to(root / "tools").parts[0]
        for system, target, line in includes_of(path):
            first, _, rest = target.partition("/")
            own = re.fullmatch(r"(\.\./bench/)?\w+\.h", target) and (path.parent / target).exists()
            known = own or (first == "unroll" and rest in public) or (tool == "bench" and first in modules)
            if not system and not known:
                yield f"{path.relative_to(root)}:{line}: tools/{tool} may not include \"{target}\""
    lines = sum(p.read_text(encoding="utf-8").count("\n") for p in code_in(root / "tools" / "unroll"))
    if lines > MAX_PROGRAM_LINES:
        yield f"tools/unroll: {lines} lines, more than {MAX_PROGRAM_LINES}: what is no input or output goes to the library"


def check_public_headers(root, modules, owner):
    """Each header belongs to one module and includes only the standard library and public headers that its module knows."""
    headers = code_in(root / "include")
    if len(headers) > MAX_PUBLIC_HEADERS:
        yield f"include/unroll: {len(headers)} public headers, more than {MAX_PUBLIC_HEADERS}"
    lines = sum(len(p.read_text(encoding="utf-8").splitlines()) for p in headers)
    if lines > MAX_PUBLIC_LINES:
        yield f"include/unroll: {lines} lines, more than {MAX_PUBLIC_LINES}"
    names = {p.name for p in headers}
    for name in sorted(set(owner) - names):
        yield f"src/CMakeLists.txt: PUBLIC {name} does not exist"
    for path in headers:
        shown = path.relative_to(root)
        if path.name != UMBRELLA and path.name not in owner:
            yield f"{shown}: not in any PUBLIC list of src/CMakeLists.txt"
            continue
        allowed = set(modules) if path.name == UMBRELLA else reachable(modules, owner[path.name])
        for system, target, line in includes_of(path):
            if system:
                if "/" in target or "." in target:
                    yield f"{shown}:{line}: public headers include no third-party header, but this <{target}>"
            elif not target.startswith("unroll/"):
                yield f"{shown}:{line}: includes the private \"{target}\""
            elif owner.get(target.removeprefix("unroll/")) not in allowed:
                yield f"{shown}:{line}: {owner.get(path.name, 'unroll.h')} does not know the module of \"{target}\""
    umbrella = root / "include" / "unroll" / UMBRELLA
    if umbrella.exists():
        included = {target for _, target, _ in includes_of(umbrella)}
        reached = {f"unroll/{n}" for n in names & set(owner)} - closure(root, included)
        for target in sorted(reached):
            yield f"{umbrella.relative_to(root)}: does not reach \"{target}\""


def closure(root, included):
    seen, todo = set(), list(included)
    while todo:
        target = todo.pop()
        path = root / "include" / target
        if target not in seen and path.exists():
            seen.add(target)
            todo += [t for system, t, _ in includes_of(path) if not system]
    return seen


def check_examples(root):
    """Examples include only installed headers, as users do."""
    for path in code_in(root / "examples"):
        for system, target, line in includes_of(path):
            if not system and not target.startswith("unroll/") and not (path.parent / target).exists():
                yield f"{path.relative_to(root)}:{line}: an example includes the private \"{target}\""


def check_texts(root):
    for path in files_below(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        shown = path.relative_to(root)
        if CODE.fullmatch(path.name) and text.count("\n") > MAX_LINES:
            yield f"{shown}: {text.count(chr(10))} lines, more than {MAX_LINES}"
        for number, line in enumerate(text.splitlines(), 1):
            folders = set(ABSOLUTE_PATH.findall(line)) - EVERYWHERE
            # SOURCE_DIR "/tests/..": a folder of the project, joined to its root
            if any(not (root / folder).is_dir() for folder in folders):
                yield f"{shown}:{number}: a path of one machine: {line.strip()[:100]}"


def findings(root):
    modules = parse_modules((root / "src" / "CMakeLists.txt").read_text(encoding="utf-8"))
    if not modules:
        return ["src/CMakeLists.txt: no unroll_module() found"]
    owner = {header: name for name, module in modules.items() for header in module.public}
    return [
        *check_module_includes(root, modules, owner),
        *check_tools(root, modules),
        *check_public_headers(root, modules, owner),
        *check_examples(root),
        *check_texts(root),
    ]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = findings(Path(sys.argv[1]).resolve())
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
