"""Texts and tables in other encodings than UTF-8."""

import gzip
import json
import unittest
import zipfile

from support import BAD_DATA, TINY, USAGE, ProgramTest

GERMAN = "Käufer aus Köln zahlen für größere Häuser mehr, schöne Grüße.\n" * 10
CHINESE = "今天早上下雨，我们在车站前面的商店买了一把伞。\n" * 10
TABLE = "Größe;Ort;Preis\n" + "".join(f"{50 + i};{('Köln', 'Düren', 'Bonn')[i % 3]};{1000 * (50 + i)}\n" for i in range(40))


class TextsTest(ProgramTest):
    def symbols(self, *arguments, **options):
        return json.loads(self.succeed("inspect", *arguments, "--json", "--first", "1000", **options).out)["first_symbols"]

    def test_the_message_names_the_flag_that_reads_the_file(self):
        for text, encoding, name in [(GERMAN, "cp1252", "windows-1252"), (CHINESE, "gb18030", "GB18030"),
                                     (GERMAN, "utf-16-le", "UTF-16LE"), (CHINESE, "utf-16-be", "UTF-16BE")]:
            with self.subTest(name):
                data = text.encode(encoding)
                self.write("a.txt", data)
                line = self.complaint(BAD_DATA, "train", "a.txt", *TINY)
                self.assertIn(f"; probably {name}: read it with --encoding {name}", line)
                self.assertIn("--unit byte", line)
                self.assertIn("byte offset", line)
                self.assertEqual(self.symbols("a.txt", "--encoding", name), text)
                self.assertEqual(self.symbols("-", "--encoding", name, stdin=data), text)
                (self.folder / "a.gz").write_bytes(gzip.compress(data))
                with zipfile.ZipFile(self.folder / "a.zip", "w") as archive:
                    archive.writestr("a.txt", data)
                for packed in "a.gz", "a.zip", "a.zip:a.txt":
                    self.assertEqual(self.symbols(packed, "--encoding", name), text)

    def test_a_byte_order_mark_is_obeyed_and_said(self):
        self.write("a.txt", "\ufeff".encode("utf-16-le") + GERMAN.encode("utf-16-le"))
        self.assertEqual(self.symbols("a.txt"), GERMAN)
        run = self.succeed("train", "a.txt", *TINY, "--validation", "a.txt", "--out", "run")
        self.assertEqual(run.err.count("note      a.txt: read as UTF-16LE, as its byte order mark says\n"), 2, run.err)
        self.assertIn("a.txt: read as UTF-16LE", self.succeed("evaluate", "run", "a.txt").err)
        self.assertIn("it is not GB18030", self.complaint(BAD_DATA, "inspect", "a.txt", "--encoding", "GB18030"))

    def test_a_resumed_run_reads_its_text_again(self):
        self.write("utf8.txt", GERMAN)
        self.write("a.txt", GERMAN.encode("cp1252"))
        flags = [*TINY, "--validation", "a.txt", "--encoding", "windows-1252"]
        self.succeed("train", "utf8.txt", *TINY, "--validation", "utf8.txt", "--out", "utf8", "--epochs", "4")
        self.succeed("train", "a.txt", *flags, "--out", "file")
        self.succeed("train", "-", *flags, "--out", "pipe", stdin=GERMAN.encode("cp1252"))
        self.assertEqual((self.folder / "pipe" / "text.txt").read_text("utf-8"), GERMAN)
        for run in "file", "pipe":
            self.succeed("train", "--resume", run, "--extend-epochs", "2")
            self.assertEqual((self.folder / run / "model.safetensors").read_bytes(),
                             (self.folder / "utf8" / "model.safetensors").read_bytes())
        self.succeed("train", "--resume", "file", "utf8.txt", "--encoding", "UTF-8", "--validation", "utf8.txt", "--extend-epochs", "1")
        self.assertIn("read it with --encoding", self.complaint(BAD_DATA, "evaluate", "file", "a.txt"))
        self.succeed("evaluate", "file", "a.txt", "--encoding", "windows-1252")

    def test_marks_of_joined_files(self):
        self.write("a.txt", "".join(f"\ufeffpart {i}\nand more\n" for i in range(3)))
        self.assertEqual(self.symbols("a.txt"), "".join(f"part {i}\nand more\n" for i in range(3)))
        self.assertIn("a.txt: 2 byte order marks, first in line 3", self.succeed("inspect", "a.txt").err)

    def test_the_remedy_holds_for_resumed_runs_and_two_texts(self):
        self.write("utf8.txt", GERMAN)
        self.write("a.txt", GERMAN.encode("cp1252"))
        self.write("marked.txt", GERMAN.encode("utf-16"))
        self.succeed("train", "a.txt", *TINY, "--encoding", "windows-1251", "--out", "run")
        self.write("a.txt", GERMAN.encode("utf-16"))
        line = self.complaint(BAD_DATA, "train", "--resume", "run", "--extend-epochs", "1")
        self.assertTrue(line.endswith("so it is not windows-1251; read it with --encoding UTF-16LE\n"), line)
        self.write("a.txt", GERMAN.encode("cp1252"))
        both = "holds for {} too: if the two differ, convert one of them with iconv\n"
        for text, validation, encoding, other in [("utf8.txt", "a.txt", [], "utf8.txt"), ("a.txt", "utf8.txt", [], "utf8.txt"),
                                                  ("utf8.txt", "marked.txt", ["--encoding", "windows-1252"], "utf8.txt")]:
            line = self.complaint_underway(BAD_DATA, "train", text, "--validation", validation, *TINY, *encoding, "--out", "two")
            self.assertIn("read it with --encoding", line)
            self.assertTrue(f"{line}\n".endswith(f"; --encoding {both.format(other)}"), line)
        self.assertNotIn("iconv", self.complaint(BAD_DATA, "train", "a.txt", "--validation", "0.1", *TINY))

    def test_names_and_units_are_checked(self):
        self.write("a.txt", GERMAN)
        for command in (["train"], ["inspect"], ["table", "inspect"]):
            line = self.complaint(USAGE, *command, "a.txt", "--encoding", "no-such")
            self.assertIn("--encoding 'no-such': must be an encoding that iconv knows, such as windows-1252", line)
        for command in "train", "inspect":
            line = self.complaint(USAGE, command, "a.txt", "--unit", "byte", "--encoding", "GB18030")
            self.assertIn("--encoding GB18030 needs characters or words", line)


class TablesTest(ProgramTest):
    def test_tables_are_read_in_each_encoding(self):
        self.write("utf8.csv", TABLE)
        expected = json.loads(self.succeed("table", "inspect", "utf8.csv", "--json").out)
        for encoding, name in [("cp1252", "windows-1252"), ("gb18030", "GB18030"), ("utf-16-le", "UTF-16LE")]:
            with self.subTest(name):
                self.write("a.csv", TABLE.encode(encoding))
                line = self.complaint(BAD_DATA, "table", "inspect", "a.csv")
                self.assertIn("--encoding", line)
                read = json.loads(self.succeed("table", "inspect", "a.csv", "--json", "--encoding", name).out)
                self.assertEqual(read["columns"], expected["columns"])
        self.write("a.csv", TABLE.encode("utf-16"))
        read = json.loads(self.succeed("table", "inspect", "a.csv", "--json").out)
        self.assertEqual((read["columns"], read["notes"]),
                         (expected["columns"], ["read as UTF-16LE, as its byte order mark says"]))

    def test_each_file_has_its_own(self):
        self.write("train.csv", TABLE.encode("cp1252"))
        self.write("test.csv", TABLE)
        self.succeed("table", "train", "train.csv", "--target", "Preis", "--model", "linear", "--encoding", "windows-1252", "--out", "run")
        expected = self.succeed("table", "predict", "run", "test.csv").out
        self.assertEqual(self.succeed("table", "predict", "run", "train.csv", "--encoding", "windows-1252").out, expected)
        self.complaint(BAD_DATA, "table", "predict", "run", "train.csv")
        self.succeed("table", "explain", "run", "train.csv", "--json", "--encoding", "windows-1252")


if __name__ == "__main__":
    unittest.main()
