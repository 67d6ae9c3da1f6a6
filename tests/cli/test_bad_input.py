"""Bad input gives one error line that names the cause and what to do, an exit code, and no half-written file."""

import gzip
import os
import re
import unittest

import archives
from support import (BAD_DATA, DIVERGED, IO, NO_INPUT, TINY, USAGE, LYRICS, ProgramTest, limit_file_size)


class TextTest(ProgramTest):
    def refused(self, code, source, *flags):
        before = self.files()
        line = self.complaint(code, "train", source, *TINY, *flags)
        self.assertEqual(self.files(), before)
        return line

    def test_missing_file(self):
        self.assertIn("nowhere.txt", self.refused(NO_INPUT, "nowhere.txt"))

    def test_folder_as_text(self):
        (self.folder / "songs").mkdir()
        self.assertIn("songs", self.refused(NO_INPUT, "songs"))

    def test_empty_file(self):
        self.write("empty.txt", "")
        self.assertIn("empty.txt", self.refused(BAD_DATA, "empty.txt"))

    def test_text_shorter_than_one_window(self):
        self.write("short.txt", "abc")
        line = self.refused(BAD_DATA, "short.txt", "--windows", "consecutive")
        self.assertIn("batch 2", line)
        self.assertIn("12 or more", line)
        self.assertIn("11 or more", self.refused(BAD_DATA, "short.txt", "--windows", "random"))

    def test_the_length_asked_for_is_enough(self):
        self.write("just.txt", "abcdefghijkl")
        self.succeed("train", "just.txt", *TINY, "--windows", "consecutive")

    def test_invalid_utf8(self):
        self.write("latin.txt", b"caf\xe9 au lait")
        line = self.refused(BAD_DATA, "latin.txt")
        self.assertIn("byte offset 3", line)
        self.assertIn("--encoding windows-1252", line)

    def test_truncated_gzip(self):
        self.write("text.gz", gzip.compress(os.urandom(500).hex().encode())[:-50])
        self.assertIn("text.gz", self.refused(BAD_DATA, "text.gz"))

    def test_zip_without_member(self):
        self.write("none.zip", archives.archive({}))
        self.assertIn("none.zip", self.refused(BAD_DATA, "none.zip"))

    def test_zip_with_several_members(self):
        self.write("two.zip", archives.archive({"one.txt": "text " * 20, "two.txt": "text " * 20}))
        line = self.refused(BAD_DATA, "two.zip")
        self.assertIn("two.zip:NAME", line)
        self.assertIn("one.txt", line)
        self.succeed("train", "two.zip:one.txt", *TINY)

    def test_zip_without_the_member_named(self):
        self.write("two.zip", archives.archive({"one.txt": "text " * 20, "two.txt": "text " * 20}))
        self.assertIn("three.txt", self.refused(BAD_DATA, "two.zip:three.txt"))

    def test_encrypted_zip(self):
        self.write("secret.zip", archives.encrypted("text.txt", "text " * 20))
        self.assertIn("encrypted", self.refused(BAD_DATA, "secret.zip"))

    def test_truncated_zip(self):
        whole = archives.archive({"text.txt": os.urandom(500).hex()})
        for length in (len(whole) - 10, len(whole) // 2, 4):
            self.write("cut.zip", whole[:length])
            self.assertIn("cut.zip", self.refused(BAD_DATA, "cut.zip"))

    def test_zip_that_claims_100_gigabytes(self):
        self.write("huge.zip", archives.claiming(100 * 10**9))
        self.assertIn("huge.zip", self.refused(BAD_DATA, "huge.zip"))

    def test_prefix_that_the_text_lacks(self):
        self.write("text.txt", "abc " * 20)
        line = self.refused(BAD_DATA, "text.txt", "--prefix", "abx")
        self.assertIn('"x"', line)
        self.assertIn("U+0078", line)
        self.assertNotIn("--unknown", line)  # train has no such flag

    def test_prefix_that_is_not_utf8(self):
        self.write("text.txt", "abc " * 20)
        self.assertIn("UTF-8", self.refused(BAD_DATA, "text.txt", "--prefix", os.fsdecode(b"ab\xff")))

    def test_control_characters_in_a_name_stay_on_one_line(self):
        self.assertIn("\\n", self.refused(NO_INPUT, "two\nlines"))


class ModelTest(ProgramTest):
    def on_every_command(self, code, model):
        self.write("some.txt", "the cat")
        return [self.complaint(code, "generate", model), self.complaint(code, "evaluate", model, "some.txt"),
                self.complaint(code, "inspect", model)]

    def test_missing_model(self):
        for line in self.on_every_command(NO_INPUT, "gone.safetensors"):
            self.assertIn("gone.safetensors", line)

    def test_folder_without_model(self):
        (self.folder / "run").mkdir()
        for line in self.on_every_command(NO_INPUT, "run"):
            self.assertIn("model.safetensors", line)
            self.assertIn("unroll train", line)

    def test_damaged_truncated_and_foreign_files(self):
        whole = self.tiny_model().read_bytes()
        bad = {
            "truncated": whole[:len(whole) // 2],
            "short": whole[:5],
            "empty": b"",
            "longer": whole + b"\0\0\0\0",
            "header": b"\xff" * 8 + whole[8:],
            "damaged": whole[:20] + b"\0" + whole[21:],
            "flipped": whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:],
            "no checksum": whole.replace(b'"xxh3"', b'"none"'),
            "text": b"the cat sat on the mat " * 10,
            "foreign": b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(8 + 64) + b"\0\0\0\0",
        }
        for name, data in bad.items():
            with self.subTest(name):
                self.write(f"{name}.safetensors", data)
                for line in self.on_every_command(BAD_DATA, f"{name}.safetensors"):
                    self.assertIn(f"{name}.safetensors", line)

    def test_prefix_that_the_model_does_not_know(self):
        self.tiny_model()
        line = self.complaint(BAD_DATA, "generate", "model", "--prefix", "the 猫")
        self.assertIn("猫", line)
        self.assertIn("U+732B", line)
        self.assertIn("--unknown skip", line)
        skipped = self.succeed("generate", "model", "--prefix", "the 猫", "--unknown", "skip", "--length", "3")
        self.assertEqual(skipped.out, self.succeed("generate", "model", "--prefix", "the ", "--length", "3").out)

    def test_text_that_the_model_does_not_know(self):
        self.tiny_model()
        self.write("other.txt", "the 猫 sat")
        line = self.complaint(BAD_DATA, "evaluate", "model", "other.txt")
        self.assertIn("猫", line)
        self.assertIn("--unknown skip", line)
        self.assertIn("1 skipped", self.succeed("evaluate", "model", "other.txt", "--unknown", "skip").out)

    def test_text_of_one_symbol(self):
        self.tiny_model()
        self.write("one.txt", "t")
        self.assertIn("one.txt", self.complaint(BAD_DATA, "evaluate", "model", "one.txt"))


class RunDirectoryTest(ProgramTest):
    def test_run_directory_that_holds_a_model(self):
        model = self.tiny_model()
        before = model.read_bytes()
        line = self.complaint(USAGE, "train", "text.txt", *TINY, "--out", "model", "--seed", "9")
        self.assertIn("--overwrite", line)
        self.assertIn("model", line)
        self.assertEqual(model.read_bytes(), before)
        self.complaint(USAGE, "train", "text.txt", *TINY, "--out", "model/", "--seed", "9")
        self.succeed("train", "text.txt", *TINY, "--out", "model", "--seed", "9", "--overwrite")
        self.assertNotEqual(model.read_bytes(), before)

    def test_file_in_the_place_of_the_folder(self):
        self.write("text.txt", "abc " * 20)
        self.write("runs", "a file")
        self.assertIn("runs", self.complaint(IO, "train", "text.txt", *TINY))

    def test_disk_full_while_saving_leaves_the_old_model(self):
        model = self.tiny_model()
        before = model.read_bytes()
        flags = ["--out", "model", "--overwrite", "--seed", "9"]
        line = self.complaint_underway(IO, "train", "text.txt", *TINY, *flags, preexec_fn=limit_file_size(1000))
        self.assertIn("model/checkpoint-", line)
        self.assertEqual(model.read_bytes(), before)
        self.assertEqual(self.files("*.safetensors*"), ["model/model.safetensors"])  # --overwrite has removed the checkpoints

    def test_disk_full_leaves_no_model(self):
        self.write("text.txt", "abc " * 20)
        self.complaint_underway(IO, "train", "text.txt", *TINY, preexec_fn=limit_file_size(1000))
        self.assertEqual(self.files("*.safetensors*"), [])

    def test_divergence_names_the_step_and_leaves_no_model(self):
        self.write("text.txt", "the cat sat on the mat. " * 20)
        flags = ["--optimizer", "sgd", "--lr", "1e30", "--clip", "0", "--cell", "rnn", "--activation", "relu"]
        line = self.complaint_underway(DIVERGED, "train", "text.txt", *TINY, *flags)
        self.assertRegex(line, r"step \d+")
        self.assertRegex(line, "learning rate")
        self.assertEqual(self.files("model.safetensors*"), [])

    def test_divergence_keeps_the_old_model(self):
        model = self.tiny_model()
        before = model.read_bytes()
        flags = ["--optimizer", "sgd", "--lr", "1e30", "--clip", "0", "--cell", "rnn", "--activation", "relu"]
        self.complaint_underway(DIVERGED, "train", "text.txt", *TINY, *flags, "--out", "model", "--overwrite")
        self.assertEqual(model.read_bytes(), before)


class StandardOutputTest(ProgramTest):
    @unittest.skipUnless(os.path.exists("/dev/full"), "needs /dev/full")
    def test_full(self):
        self.tiny_model()
        for arguments in (["--version"], ["--help"], ["generate", "model"], ["evaluate", "model", "text.txt"],
                          ["inspect", "model"], ["train", "text.txt", *TINY, "--out", "second"]):
            with self.subTest(arguments[0]), open("/dev/full", "wb") as full:
                result = self.run_program(*arguments, stdout=full, stderr=-1)
                self.assertEqual(result.returncode, IO)
                complaints = re.findall("^unroll: .*$", result.err, re.M)
                self.assertEqual(len(complaints), 1)
                self.assertIn("standard output", complaints[0])

    def test_closed_early(self):
        self.tiny_model()
        for arguments in (["generate", "model", "--length", "100000"], ["inspect", LYRICS], ["inspect", "model"], ["--help"]):
            with self.subTest(arguments[0]):
                reader, writer = os.pipe()
                os.close(reader)
                with os.fdopen(writer, "wb") as closed:
                    result = self.run_program(*arguments, stdout=closed, stderr=-1)
                self.assertEqual((result.returncode, result.err), (0, ""))


if __name__ == "__main__":
    unittest.main()
