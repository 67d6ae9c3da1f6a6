#!/usr/bin/env python3
"""Tests language.py on small files: each kind of fault is found, and plain text passes."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import language  # noqa: E402


class Language(unittest.TestCase):
    def faults(self, name, text):
        return [f"{line}: {fault}" for line, fault in sorted(language.faults_of(Path(name), text))]

    def expect(self, name, text, *parts):
        faults = self.faults(name, text)
        self.assertEqual(len(faults), len(parts), faults)
        for fault, part in zip(faults, parts):
            self.assertIn(part, fault)

    def test_identifiers(self):
        self.expect("a.cc", "int x;\nint most_rows = 1;\n", "2: most_rows")
        self.expect("a.py", "x = 1\nlongest_name = 2\n", "2: longest_name")
        self.expect("CMakeLists.txt", "function(unroll_test_room name)\n", "1: unroll_test_room")
        self.expect("a.cc", "int max_rows = min_rows;\n")

    def test_strings_are_no_identifiers(self):
        self.expect("a.cc", 'const char* s = "take_weights"; // \\n\n')
        self.expect("a.cc", 'const char* s = R"(say what)"; char c = \'"\'; int say;\n', "1: say")

    def test_comments(self):
        self.expect("a.cc", "// It foretells the step.\nint door;\n", '1: "foretells"')
        self.expect("a.cc", "int x;  /* begins\n anew */\n", '2: "anew"')
        self.expect("a.cc", "int x;  // wide\n")
        self.expect("a.py", '"""Whoever calls this."""\nx = 1  # owed\n', '1: "Whoever"', '2: "owed"')
        self.expect("a.py", 'x = "anew"\n')
        self.expect("a.cmake", "# a remedy\nset(x remedy)\n", '1: "remedy"')

    def test_expressions_over_line_ends(self):
        self.expect("a.cc", "/// Reads so\n/// many rows.\n", '1: "so')
        self.expect("a.md", "Reads so\nmany rows.\n", '1: "so')

    def test_documents(self):
        self.expect("a.md", "A door.\n```sh\nthe door\n```\nand `door`\n", '1: "door"')
        self.expect("a.md", "x" * 121 + "\n", "1: 121 columns")
        self.expect("a.md", "```\n" + "x" * 200 + "\n```\n" + "x" * 120 + "\n")
        self.expect("a.md", "[short](" + "x" * 200 + ")\n")
        self.expect("a.md", "| a | " + "word " * 26 + "|\n", "1: a table cell of 26 words")
        self.expect("a.md", "| a | " + "word " * 25 + "|\n")

    def test_plain_text_passes(self):
        self.expect("a.md", "# Title\nReads `n` rows. The indoor temperature.\n")
        self.expect("a.h", "/// Maximum number of rows, >= 1.\nint max_rows = 1;\n")


if __name__ == "__main__":
    unittest.main()
