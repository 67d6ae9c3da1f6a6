#!/usr/bin/env python3
"""Tests layering.py on small trees, most of them bad: a check that cannot fail checks nothing."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import layering  # noqa: E402

MODULES = """
unroll_module(base PUBLIC error.h LIBS fmt::fmt)  # unroll_module(no) in a comment
unroll_module(io
  KNOWS base
  LIBS ZLIB::ZLIB)
unroll_module(tensor KNOWS base PUBLIC tensor.h)
unroll_module(nn KNOWS tensor PUBLIC layers.h)
unroll_module(model KNOWS nn io)
if(MPI_C_FOUND)
  unroll_plugin_module(mpi KNOWS model LIBS MPI::MPI_C)
endif()
"""
GOOD = {
    "src/CMakeLists.txt": MODULES,
    "include/unroll/error.h": "#include <string>\n",
    "include/unroll/tensor.h": '#include <vector>\n#include "unroll/error.h"\n',
    "include/unroll/layers.h": '#include "unroll/tensor.h"\n',
    "include/unroll/unroll.h": '#include "unroll/layers.h"\n',
    "src/base/check.h": "#include <cstdio>\n",
    "src/io/zip.cc": '#include <zip.h>\n\n#include "base/check.h"\n#include "io/zip.h"\n#include "unroll/error.h"\n',
    "src/io/zip.h": "",
    "src/nn/layers.cc": '#include "base/check.h"\n#include "unroll/layers.h"\n',
    "src/model/model.cc": '#include "io/zip.h"\n#include "unroll/tensor.h"\n',
    "src/mpi/ranks.cc": '#include <mpi.h>\n\n#include "io/zip.h"\n',
    "tools/unroll/main.cc": '#include "../bench/all.h"\n#include "flags.h"\n#include "unroll/unroll.h"\n',
    "tools/unroll/flags.h": '#include <zip.h>\n',
    "tools/bench/all.h": "",
    "tools/bench/all.cc": '#include "all.h"\n#include "io/zip.h"\n#include "unroll/tensor.h"\n',
    "examples/first.cc": "#include <unroll/unroll.h>\n#include <fmt/format.h>\n",
    "docs/use.md": "See /usr/include and /etc/hosts, 1/2, https://example.org/a/b, `build/unroll`.\n",
}


def findings(changes):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**GOOD, **changes}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return layering.findings(root)


class Layering(unittest.TestCase):
    def expect_one(self, changes, *parts):
        found = findings(changes)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_good_tree(self):
        self.assertEqual(findings({}), [])

    def test_table(self):
        modules = layering.parse_modules(MODULES)
        self.assertEqual(list(modules), ["base", "io", "tensor", "nn", "model", "mpi"])
        self.assertEqual(modules["model"].knows, ["nn", "io"])
        self.assertEqual(modules["base"].public, ["error.h"])
        self.assertEqual(layering.reachable(modules, "model"), {"base", "io", "tensor", "nn", "model"})
        self.assertEqual(layering.reachable(modules, "nn"), {"base", "tensor", "nn"})

    def test_room_includes_one_it_does_not_know(self):
        self.expect_one({"src/base/up.cc": '// x\n#include "io/zip.h"\n'}, "src/base/up.cc:2", "base does not know io")
        self.expect_one({"src/nn/side.cc": '#  include "io/zip.h"\n'}, "nn does not know io")

    def test_room_includes_a_public_header_above_it(self):
        self.expect_one({"src/tensor/up.cc": '#include "unroll/layers.h"\n'}, "tensor does not know nn")
        self.expect_one({"src/nn/all.cc": '#include "unroll/unroll.h"\n'}, "for programs that use the library")

    def test_nobody_includes_the_program(self):
        self.expect_one({"src/model/up.cc": '#include "flags.h"\n'}, "belongs to no module")

    def test_program_includes_public_headers_only(self):
        self.expect_one({"tools/unroll/zip.cc": '#include "io/zip.h"\n'}, 'tools/unroll may not include "io/zip.h"')
        self.expect_one({"tools/unroll/x.cc": '#include "unroll/gone.h"\n'}, 'may not include "unroll/gone.h"')
        self.expect_one({"tools/unroll/up.cc": '#include "../../src/io/zip.h"\n'}, 'may not include "../../src/io/zip.h"')
        self.expect_one({"tools/bench/x.cc": '#include "flags.h"\n'}, 'tools/bench may not include "flags.h"')

    def test_too_long_program(self):
        files = {f"tools/unroll/f{i}.cc": "\n" * 590 for i in range(8)}
        self.expect_one(files, "tools/unroll: 472")

    def test_too_many_public_lines(self):
        found = findings({"include/unroll/error.h": "\n" * layering.MAX_PUBLIC_LINES})
        self.assertIn("include/unroll: 3204 lines, more than 3200", found)

    def test_unknown_places(self):
        self.expect_one({"src/base/x.cc": '#include "check.h"\n'}, "belongs to no module")
        self.expect_one({"src/attic/x.cc": ""}, "attic is no module")

    def test_public_headers(self):
        self.expect_one({"include/unroll/extra.h": ""}, "include/unroll/extra.h", "not in any PUBLIC list")
        self.expect_one({"include/unroll/error.h": "#include <fmt/format.h>\n"}, "third-party")
        self.expect_one({"include/unroll/tensor.h": '#include "base/check.h"\n#include "unroll/error.h"\n'}, "private")
        self.expect_one({"include/unroll/error.h": '#include "unroll/tensor.h"\n'}, "base does not know")
        self.expect_one({"include/unroll/unroll.h": '#include "unroll/tensor.h"\n'}, 'does not reach "unroll/layers.h"')
        self.expect_one({"src/CMakeLists.txt": MODULES.replace("tensor.h", "tensor.h gone.h")}, "gone.h does not exist")

    def test_too_many_public_headers(self):
        names = [f"h{i}.h" for i in range(24)]
        self.expect_one({
            "src/CMakeLists.txt": MODULES.replace("error.h", " ".join(["error.h", *names])),
            "include/unroll/unroll.h": "".join(f'#include "unroll/{n}"\n' for n in ["layers.h", *names]),
            **{f"include/unroll/{n}": "" for n in names},
        }, "28 public headers")

    def test_examples_see_what_is_installed(self):
        self.expect_one({"examples/peek.cc": '#include "base/check.h"\n'}, "private")

    def test_long_file(self):
        self.assertEqual(findings({"src/io/long.cc": "\n" * layering.MAX_LINES}), [])
        self.expect_one({"src/io/long.cc": "\n" * (layering.MAX_LINES + 1)}, "src/io/long.cc: 601 lines")

    def test_path_of_one_machine(self):
        for text in ("see @home/me/x", '"@opt/thing/data"', "(@root/y)", "DIR=@srv/z"):
            text = text.replace("@", "/")
            self.expect_one({"docs/use.md": text}, "docs/use.md:1", "a path of one machine")

    def test_project_path_in_pieces(self):
        self.assertEqual(findings({"examples/data.cc": 'ROOT "/docs/use.md";\n'}), [])

    def test_empty_table(self):
        self.expect_one({"src/CMakeLists.txt": "add_library(x)\n"}, "no unroll_module()")

    def test_exit_status(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "src").mkdir()
            Path(folder, "src/CMakeLists.txt").write_text("unroll_module(base PUBLIC gone.h)\n", encoding="utf-8")
            command = [sys.executable, layering.__file__, folder]
            self.assertEqual(subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
