#!/usr/bin/env python3
"""Checks that names, comments and documents use the field's standard terms in plain English.

usage: language.py ROOT

- identifiers of C++, CMake and Python: none of IDENTIFIERS
- comments, docstrings and documents: none of PROSE
- documents: no line over 120 columns outside code blocks, tables and link targets, no table cell over 25 words

docs/benchmark.md is written by a program, CHANGELOG.md describes earlier versions: both are left out.
"""
import io
import re
import sys
import tokenize
from pathlib import Path

# regular expression -> what to write instead
IDENTIFIERS = {
    r"(most|largest|longest)_(?!common|frequent|errors|bytes)\w+": "max_...",
    r"(fewest|least|smallest|shortest)_(?!double|float)\w+": "min_...",
    r"(MOST|LARGEST|LONGEST|FEWEST|LEAST|SMALLEST|SHORTEST)_\w+": "MAX_..., MIN_...",
    r"take_from_first": "broadcast",
    r"\w*_(to|from)_the_dead|look_for_\w+": "detect_...",
    r"those_left": "surviving_...",
    r"(wants|want)_gradient": "requires_grad",
    r"take_weights": "copy_weights_from",
    r"owes_\w+|owed_\w*": "has_pending_...",
    r"be_silent|say|say_\w*silent": "set_quiet, log_message",
    r"(told|heard|thawed)_": "failure_, last_seen_, resumed_at_",
    r"leads_elsewhere|take_another_course": "changes_trajectory, branch_here",
    r"doomed|culprit|scouts?|misfits?": "pending, first_bad_..., pilot, unparsed",
    r"check_together": "check_conflicts",
    r"each_on_a_thread|at_places": "parallel_for_each, take",
    r"SliceRange|BatchRows|most_slices": "Range, max_shards",
    r"\w*_(room|rooms|door|doors)|(room|door)_\w+": "module, API, workspace",
    r"Saver|Purpose|News": "CheckpointWriter, RandomStream, ShardReport",
}
PROSE = {
    r"foretells?|foretold": "predicts",
    r"doors?": "API",
    r"(make|makes|has|have|with|find|leaves?) room|rooms": "memory, space; module",
    r"anew": "again",
    r"goes? elsewhere|another course": "no longer follows the original",
    r"owed|owes": "pending",
    r"waste paper|the dead|doomed|culprits?": "discarded, lost ranks, failing",
    r"so many": "n",
    r"whoever|whichever of them": "a caller that, a rank that",
    r"count no more": "is no longer counted",
    r"lest": "so that ... not",
    r"looks? at the held-out|looks? at held-out": "validation",
    r"remedy|remedies": "what to do",
    r"to and fro": "between ranks",
    r"in earnest": "really",
    r"beforehand|meanwhile nobody": "before",
}
LINE, CELL = 120, 25
LEFT_OUT = {"CHANGELOG.md", "docs/benchmark.md"}
CPP_TOKEN = re.compile(
    r'R"(?P<tag>\w*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
FENCED = re.compile(r"^```.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)


def patterns(table):
    flags = re.IGNORECASE if table is PROSE else 0
    for text, advice in table.items():
        spaced = text.replace(" ", " +")
        yield re.compile(rf"(?<![\w/`-])(?:{spaced})(?![\w-])", flags), advice


def split_cpp(text):
    """Code and comments, each with the other (and strings) blanked, so that line numbers stay."""
    code, comments, end = [], [], 0
    for match in CPP_TOKEN.finditer(text):
        between, found = text[end:match.start()], match.group(0)
        blank = re.sub(r"[^\n]", " ", found)
        code += [between, blank]
        comments += [re.sub(r"[^\n]", " ", between), found if found.startswith(("//", "/*")) else blank]
        end = match.end()
    code.append(text[end:])
    return "".join(code), "".join(comments)


def split_python(text):
    """Lines of names, and lines of comments and docstrings."""
    lines = text.count("\n") + 2
    names, prose = [""] * lines, [""] * lines
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row = token.start[0] - 1
        if token.type == tokenize.NAME:
            names[row] += " " + token.string
        elif token.type == tokenize.COMMENT:
            prose[row] += " " + token.string
        elif token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.NL):
            for offset, line in enumerate(token.string.splitlines()):
                prose[row + offset] += line
        before = token.type
    return "\n".join(names), "\n".join(prose)


def split_cmake(text):
    rows = [line.partition("#") for line in text.split("\n")]
    return "\n".join(row[0] for row in rows), "\n".join(row[2] for row in rows)


def banned(text, table):
    """(line, found, advice) of each match. A comment's sentence may go over line ends: they count as spaces."""
    joined = re.sub(r"\n[ \t]*(?://+|#)?!?<?", lambda m: "\n" + " " * (len(m.group(0)) - 1), text)
    searched = re.sub(r"\s", " ", joined)
    for pattern, advice in patterns(table):
        for match in pattern.finditer(searched):
            yield text.count("\n", 0, match.start()) + 1, match.group(0).strip(), advice


def document_faults(text):
    visible = FENCED.sub(lambda m: re.sub(r"[^\n]", "", m.group(0)), text)
    for number, line in enumerate(visible.split("\n"), 1):
        if line.lstrip().startswith("|"):
            for cell in re.split(r"(?<!\\)\|", line):
                if len(cell.split()) > CELL:
                    yield number, f"a table cell of {len(cell.split())} words, {CELL} at most: make it a list"
        elif len(re.sub(r"\]\([^)]*\)", "]", line)) > LINE:
            yield number, f"{len(line)} columns, {LINE} at most"


def faults_of(path, text):
    if path.suffix == ".md":
        prose = FENCED.sub(lambda m: re.sub(r"[^\n]", "", m.group(0)), text)
        prose = re.sub(r"`[^`\n]*`", lambda m: " " * len(m.group(0)), prose)
        yield from document_faults(text)
        yield from ((line, f'"{found}": write {advice}') for line, found, advice in banned(prose, PROSE))
        return
    split = {".py": split_python, ".cmake": split_cmake, ".txt": split_cmake}.get(path.suffix, split_cpp)
    names, prose = split(text)
    yield from ((line, f"{found}: name it {advice}") for line, found, advice in banned(names, IDENTIFIERS))
    yield from ((line, f'"{found}": write {advice}') for line, found, advice in banned(prose, PROSE))


def sources(root):
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name in LEFT_OUT or name.startswith("tests/language/") or not path.is_file():
            continue
        if any(re.fullmatch(r"build.*|\.git|\.venv|runs|shared|__pycache__", part) for part in path.parts[len(root.parts):-1]):
            continue
        if path.suffix in (".md", ".h", ".cc", ".cpp", ".py", ".cmake") or path.name == "CMakeLists.txt":
            yield path, name


def check(root):
    found = [f"{name}:{line}: {fault}" for path, name in sources(root)
             for line, fault in faults_of(path, path.read_text(encoding="utf-8"))]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check(Path(sys.argv[1]).resolve()))
