#!/usr/bin/env python3
"""Tests docs.py on small documents."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import docs  # noqa: E402


class Docs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "docs").mkdir()

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def blocks(self, text):
        self.write("README.md", text)
        return list(docs.blocks_of(self.root / "README.md", self.root))

    def silently(self, action, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = action(*arguments)
        return status, output.getvalue()

    def test_blocks(self):
        first, second = self.blocks("# A\n```sh\nls\n```\n\n```cpp\nint x;\n```\n")
        self.assertEqual((first.language, first.body, first.line), ("sh", "ls\n", 3))
        self.assertEqual((second.language, second.body, second.line), ("cpp", "int x;\n", 7))

    def test_fragment_becomes_a_program(self):
        text = "text\n<!-- given: Context context; -->\n```cpp\n#include <map>\nint x = 1;\n```\n"
        (block,) = self.blocks(text)
        program = docs.program_of(block)
        self.assertIn("Context context;\n#line 4", program)
        self.assertLess(program.index("#include <map>"), program.index("void snippet"))
        self.assertEqual(program.count("#include <map>"), 1)
        self.assertIn("int main() {}", program)

    def test_given_belongs_to_the_next_block_only(self):
        first, second = self.blocks("<!-- given: int a; -->\n```cpp\na;\n```\n```cpp\nb;\n```\n")
        self.assertEqual((first.given, second.given), ("int a;", ""))

    def test_each_block_has_the_given_right_before_it(self):
        one = "<!-- given: int {0}; -->\n```cpp\n{0};\n```\n"
        first, second = self.blocks(one.format("a") + one.format("b"))
        self.assertEqual((first.given, second.given), ("int a;", "int b;"))

    def test_whole_program_stays(self):
        (block,) = self.blocks("```cpp\nint main() { return 0; }\n```\n")
        self.assertEqual(docs.program_of(block), '#line 2 "README.md"\nint main() { return 0; }\n')

    def test_snippets_are_written(self):
        self.write("docs/use.md", "```cpp\nint x;\n```\n```sh\nls\n```\n")
        self.silently(docs.write_snippets, self.root, self.root)
        self.assertEqual([p.name for p in self.root.glob("*.cc")], ["docs_use_2.cc"])

    def test_links(self):
        self.write("docs/use.md", "[up](../README.md#a) [web](https://example.org) [here](#b) ```[no](no.md)```\n")
        self.write("README.md", "[use](docs/use.md)\n```md\n[in code](none.md)\n```\n")
        self.assertIn("no.md", " ".join(docs.broken_links(self.root)))
        self.write("docs/use.md", "[gone](../gone.md)\n")
        status, output = self.silently(docs.check_links, self.root)
        self.assertEqual((status, output), (1, "docs/use.md: the link to ../gone.md leads nowhere\n"))
        self.write("docs/use.md", "[up](../README.md)\n")
        self.assertEqual(self.silently(docs.check_links, self.root)[0], 0)

    def test_commands(self):
        self.write("README.md", "```sh\ngit clone x\necho one \\\n  two > made\n# no\nmake test\n```\n```sh\ncat made\n```\n")
        status, output = self.silently(docs.run_commands, self.root)
        self.assertEqual(status, 0, output)
        self.assertEqual(output.count("exit status 0"), 2)
        self.assertFalse((self.root / "made").exists())

    def test_command_that_fails(self):
        self.write("README.md", "```sh\necho why | cat - none\n```\n")
        status, output = self.silently(docs.run_commands, self.root)
        self.assertEqual(status, 1)
        self.assertIn("why", output)

    def test_readme_without_commands(self):
        self.write("README.md", "```sh\nmake test\n```\n")
        self.assertEqual(self.silently(docs.run_commands, self.root)[0], 1)


if __name__ == "__main__":
    unittest.main()
