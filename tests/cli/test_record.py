"""Files that a training writes to its run directory besides the model: log.jsonl, an event file, curve.svg."""

import json
import math
import os
import re
import shutil
import struct
import subprocess
import unittest
import xml.etree.ElementTree

from support import DIVERGED, LYRICS, PROGRAM, TINY, ProgramTest, limit_file_size

DIVERGING = ["--optimizer", "sgd", "--lr", "1e30", "--clip", "0", "--cell", "rnn", "--activation", "relu"]


def without_gnuplot():
    """An environment in which gnuplot is not found."""
    return {**os.environ, "PATH": "/nowhere"}


def scalars_of(path):
    """[(step, tag, value)] of an event file; see tests/io for the bytes, tests/interop for TensorBoard."""
    data, events = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event, data = data[12:12 + length], data[16 + length:]
        found = re.search(rb"\x2a.\x0a.\x0a(.)(t.*)\x15(....)$", event, re.S)
        if found:
            step, shift = 0, 0
            for byte in event[10:]:
                step |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            events.append((step, found.group(2).decode(), struct.unpack("<f", found.group(3))[0]))
    return events


class RecordTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", "the cat sat on the mat. " * 20)

    def test_log(self):
        flags = ["--limit", "3000", "--hidden", "24", "--batch", "8", "--steps", "12", "--epochs", "6", "--lr", "0.01"]
        outcome = json.loads(self.succeed("train", LYRICS, *flags, "--out", "run", "--prefix", "雨", "--json").out)
        log = self.log("run")
        self.assertTrue(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in log))
        start, stop = log[0], log[-1]
        self.assertEqual(start["event"], "start")
        self.assertEqual([start[key] for key in ("cell", "hidden", "layers", "batch", "steps", "epochs", "learning_rate", "seed")],
                         ["gru", 24, 1, 8, 12, 6, 0.01, 1])
        self.assertEqual([start[key] for key in ("symbols", "vocabulary", "parameters", "threads")],
                         [outcome[key] for key in ("symbols", "vocabulary", "parameters", "threads")])
        steps = start["steps_per_epoch"]
        self.assertEqual([stop[key] for key in ("event", "reason", "epoch", "step")], ["stop", "finished", 6, 6 * steps])
        reports = [line for line in log if line["event"] == "report"]
        self.assertEqual([(r["epoch"], r["step"]) for r in reports], [(e, e * steps) for e in range(1, 7)])
        self.assertAlmostEqual(reports[-1]["perplexity"], outcome["perplexity"])
        for r in reports:
            self.assertAlmostEqual(r["perplexity"], math.exp(r["loss"]))
            self.assertGreater(r["gradient_norm"], 0)
            self.assertGreater(r["symbols_per_second"], 0)
            self.assertEqual(r["learning_rate"], 0.01)
        self.assertEqual(reports[-1]["seconds"], outcome["seconds"])
        samples = [line for line in log if line["event"] == "sample"]
        self.assertEqual([s["step"] for s in samples], [e * steps for e in range(7)])
        written = self.succeed("generate", "run", "--prefix", "雨").out
        self.assertEqual((samples[-1]["prefix"], samples[-1]["text"] + "\n"), ("雨", written))

    def test_event_file_says_the_same(self):
        self.succeed("train", "text.txt", *TINY, "--out", "run")
        (name,) = self.files("events.out.tfevents.*")
        expected = [(r["step"], "train/" + key, struct.unpack("<f", struct.pack("<f", r[key]))[0])
                    for r in self.log("run") if r["event"] == "report"
                    for key in ("loss", "perplexity", "gradient_norm", "learning_rate")]
        self.assertEqual(scalars_of(self.folder / name), expected)
        self.assertEqual(len(expected), 2 * 4)

    @unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
    def test_curve(self):
        self.succeed("train", "text.txt", *TINY, "--out", "run's `one`")
        picture = (self.folder / "run's `one`" / "curve.svg").read_text("utf-8")
        shown = "".join(xml.etree.ElementTree.fromstring(picture).itertext())
        self.assertIn("run's `one`", shown)
        self.assertIn("training", shown)
        self.assertEqual(self.files("*.tmp.*"), [])

    def test_without_gnuplot_training_says_so_once(self):
        result = self.succeed("train", "text.txt", *TINY, "--out", "run", env=without_gnuplot())
        self.assertEqual(result.err.count("gnuplot"), 2)  # program and package, on one line
        self.assertRegex(result.err, r"(?m)^warning   .*gnuplot is not installed.*gnuplot-nox")
        self.assertEqual(self.files("curve.svg*"), [])

    def test_a_new_training_replaces_what_an_old_one_left(self):
        self.succeed("train", "text.txt", *TINY, "--out", "run")
        before = self.files("events.out.tfevents.*")
        self.succeed("train", "text.txt", *TINY, "--out", "run", "--overwrite", "--seed", "9")
        after = self.files("events.out.tfevents.*")
        self.assertEqual(len(after), 1)
        self.assertNotEqual(before, after)
        self.assertEqual([line["seed"] for line in self.log("run") if line["event"] == "start"], [9])

    def test_divergence_is_in_the_log(self):
        self.complaint_underway(DIVERGED, "train", "text.txt", *TINY, *DIVERGING, "--out", "run")
        stop = self.log("run")[-1]
        self.assertEqual((stop["event"], stop["reason"]), ("stop", "diverged"))

    def test_a_failure_is_in_the_log(self):
        (self.folder / "run" / "model.safetensors").mkdir(parents=True)  # a folder in the place of the model file
        self.complaint_underway(74, "train", "text.txt", *TINY, "--out", "run", "--overwrite")
        self.assertEqual(self.log("run")[-1]["reason"], "failed")

    def test_a_full_disk_ends_no_training(self):
        """One warning per file; checkpoints and model are small enough and are written."""
        self.write("a.txt", "ab" * 60)
        flags = ["--hidden", "1", "--batch", "2", "--steps", "5", "--epochs", "300", "--report-every", "1"]
        result = self.succeed("train", "a.txt", *flags, "--out", "run", preexec_fn=limit_file_size(9000))
        warnings = [line for line in result.err.splitlines() if line.startswith("warning")]
        self.assertEqual(len([w for w in warnings if "log.jsonl" in w and "File too large" in w]), 1, warnings)
        self.assertEqual(len([w for w in warnings if "tfevents" in w]), 1, warnings)
        self.assertLessEqual(len(warnings), 3)  # the third may be for the curve
        self.log("run")  # checks that all lines are complete
        self.assertEqual(self.files("model.safetensors"), ["run/model.safetensors"])

    def test_closed_standard_streams_end_no_training_and_lend_their_numbers_to_no_file(self):
        for closed in ("2>&-", "<&-", "<&- 2>&-"):
            with self.subTest(closed):
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                command = f"exec {PROGRAM} train text.txt {' '.join(TINY)} --out run {closed}"
                self.assertEqual(subprocess.run(command, shell=True, cwd=self.folder, stdout=-3, timeout=60).returncode, 0)
                self.assertEqual(self.log("run")[-1]["reason"], "finished")
                self.succeed("inspect", "run")

    def test_a_closed_standard_output_is_said_before_anything_is_done(self):
        command = f"exec {PROGRAM} train text.txt {' '.join(TINY)} --out run >&-"
        result = subprocess.run(command, shell=True, cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 74)
        self.assertRegex(result.stderr, r"^unroll: standard output is closed.*/dev/null\n$")
        self.assertFalse((self.folder / "run").exists())

    def test_a_reader_of_progress_that_has_gone_ends_no_training(self):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as gone:
            result = self.run_program("train", "text.txt", *TINY, "--out", "run", stdout=-1, stderr=gone)
        self.assertEqual(result.returncode, 0)
        self.succeed("inspect", "run")

    def test_fast_epochs_do_not_make_the_log_long(self):
        """At most ten reports per second, besides the printed ones."""
        self.write("a.txt", "ab" * 20)
        flags = ["--hidden", "1", "--batch", "1", "--steps", "30", "--epochs", "3000", "--report-every", "3000"]
        self.succeed("train", "a.txt", *flags, "--out", "run")
        reports = [line for line in self.log("run") if line["event"] == "report"]
        self.assertLessEqual(len(reports), 2 + 10 * reports[-1]["seconds"] * 10)  # callbacks are not in `seconds`
        self.assertLess(len(reports), 1500)
        self.assertEqual(reports[-1]["epoch"], 3000)


if __name__ == "__main__":
    unittest.main()
