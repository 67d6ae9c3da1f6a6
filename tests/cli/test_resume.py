"""Stopping, resuming, and starting from the weights of another run."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest
import zipfile

from support import BAD_DATA, IO, NO_INPUT, PROGRAM, USAGE, ProgramTest, limit_file_size, model_contents, with_checksum

TEXT = "the cat sat on the mat, and the dog lay in the fog. " * 12
SMALL = ["--hidden", "8", "--batch", "2", "--steps", "5", "--epochs", "6"]  # 62 updates an epoch


def with_number(data, field, key, value):
    """The bytes of a checkpoint with another number in a field of its __metadata__, and the right checksum."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = {"xxh3": "0" * 16, **{name: text for name, text in header.pop("__metadata__").items() if name != "xxh3"}}
    metadata[field] = json.dumps({**json.loads(metadata[field]), key: value})
    text = json.dumps({"__metadata__": metadata, **header}, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return with_checksum(struct.pack("<Q", len(text)) + text + data[8 + length:])


def updates_in(folder):
    """The updates of which the folder has checkpoints, sorted."""
    return sorted(int(re.search(r"-(\d+)\.", path.name)[1]) for path in folder.glob("checkpoint-*.safetensors"))


class ResumeTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)

    def train(self, *flags, **options):
        return self.succeed("train", "text.txt", *SMALL, *flags, **options)

    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def go_back(self, run, update):
        """Reduces a run to what a process killed after `update` updates would have left."""
        for path in (self.folder / run).glob("checkpoint-*.safetensors"):
            if int(re.search(r"-(\d+)\.", path.name)[1]) > update:
                path.unlink()
        (self.folder / run / "model.safetensors").unlink()

    def start(self, *flags):
        """Starts a training and returns its process."""
        process = subprocess.Popen([PROGRAM, "train", *flags], cwd=self.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for_a_report(self, process):
        said = []
        for line in process.stderr:
            said.append(line.decode())
            if re.match(rb"epoch [1-9]", line):
                return said
        self.fail("".join(said))


class SameBitsTest(ResumeTest):
    def test_any_training_goes_on_to_the_same_model(self):
        for flags in (["--cell", "rnn", "--windows", "random", "--optimizer", "sgd", "--momentum", "0.5"],
                      ["--cell", "gru", "--epoch-state", "carry", "--optimizer", "rmsprop", "--lr", "0.001"],
                      ["--cell", "lstm", "--layers", "2", "--dropout", "0.3", "--schedule", "cosine", "--warmup", "5"],
                      ["--validation", "0.1", "--validate-every", "7", "--schedule", "plateau", "--lr-patience", "1"],
                      ["--accumulate", "4", "--embedding", "8", "--tied", "--optimizer", "adamw"]):
            with self.subTest(flags):
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                self.train(*flags, "--out", "whole", "--overwrite", "--threads", "1")
                self.train(*flags, "--out", "run", "--checkpoint-every", "37", "--keep", "1000", "--threads", "1")
                self.assertEqual(self.model("run"), self.model("whole"), "checkpoints change nothing")
                log = self.folder / "run" / "log.jsonl"
                for update in updates_in(self.folder / "run")[-2::-3]:
                    before = [e for e in self.log("run") if e["event"] == "report" and e["step"] <= update]
                    self.go_back("run", update)
                    self.succeed("train", "--resume", "run", "--threads", "2")
                    self.assertEqual(self.model("run"), self.model("whole"), update)
                    after = [e for e in self.log("run") if e["event"] == "report" and e["step"] <= update]
                    self.assertEqual(after, before)
                self.assertEqual(log.read_text().count('"start"'), 1)

    def test_resuming_needs_nothing_but_the_name(self):
        """Also from another folder, and if the text came from a pipe."""
        self.train("--out", "whole", "--validation", "0.2")
        flags = ["--out", "run", "--validation", "0.2", "--checkpoint-every", "50", "--keep", "100"]
        self.succeed("train", "-", *SMALL, *flags, stdin=("\ufeff" + TEXT).encode())
        self.assertEqual(self.model("run"), self.model("whole"))
        self.go_back("run", 150)
        os.mkdir(self.folder / "elsewhere")
        result = subprocess.run([PROGRAM, "train", "--resume", "../run"], cwd=self.folder / "elsewhere", capture_output=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"resume    after update 150", result.stderr)
        self.assertEqual(self.model("run"), self.model("whole"))

    def test_a_text_that_can_be_read_once_is_kept(self):
        """A named pipe, the pipe of a shell's <(..), and /dev/stdin, which is another file for the next process."""
        self.train("--out", "whole")
        os.mkfifo(self.folder / "pipe")
        (self.folder / "file").write_text(TEXT)
        flags = " ".join([*SMALL, "--checkpoint-every", "50", "--keep", "100"])
        for source, command in {"pipe": "cat text.txt > pipe & {} train pipe {}", "fd": "{} train <(cat text.txt) {}",
                                "stdin": "{} train /dev/stdin {} < file"}.items():
            with self.subTest(source):
                result = subprocess.run(["bash", "-c", command.format(PROGRAM, flags + " --out run --overwrite")],
                                        cwd=self.folder, capture_output=True)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.go_back("run", 150)
                self.assertIn("after update 150", self.succeed("train", "--resume", "run").err)
                self.assertEqual(self.model("run"), self.model("whole"))
        self.assertIn("cannot be read again", self.complaint(USAGE, "train", "--resume", "run", "/dev/stdin"))
        self.assertIn("can be read once", self.complaint(USAGE, "train", "text.txt", "--validation", "/dev/stdin"))

    def test_a_checkpoint_by_name(self):
        self.train("--out", "run", "--checkpoint-every", "50", "--keep", "100")
        whole = self.model("run")
        result = self.succeed("train", "--resume", "run/checkpoint-100.safetensors")
        self.assertIn("after update 100", result.err)
        self.assertEqual(self.model("run"), whole)
        self.assertEqual(updates_in(self.folder / "run"), [0, 50, 100, 150, 200, 250, 300, 350, 372])

    def test_an_extended_schedule_says_from_which_rate_to_which(self):
        self.train("--out", "run", "--lr", "0.1", "--schedule", "cosine")
        said = self.succeed("train", "--resume", "run", "--extend-epochs", "6").err
        # Half of the cosine is behind it, so the rate is half of the full one.
        self.assertRegex(said, r"(?m)^rate      from \d\.\d+e-06 to 0\.05: cosine is spread over 12 epochs now$")
        rates = [e["learning_rate"] for e in self.log("run") if e["event"] == "report"]
        self.assertLess(min(rates), 1e-5)
        self.train("--out", "constant")
        self.assertNotIn("\nrate ", self.succeed("train", "--resume", "constant", "--extend-epochs", "1").err)

    def test_a_finished_run_can_be_extended(self):
        self.train("--out", "whole", "--epochs", "9")
        self.train("--out", "run")
        before = self.model("run")
        result = self.succeed("train", "--resume", "run")
        self.assertIn("--extend-epochs", result.err)
        self.assertEqual(self.model("run"), before)
        result = self.succeed("train", "--resume", "run", "--extend-epochs", "3", "--json")
        self.assertEqual(json.loads(result.out)["epochs"], 9)
        self.assertEqual(self.model("run"), self.model("whole"))
        (resume,) = [e for e in self.log("run") if e["event"] == "resume" and e["epochs"] == 9]
        self.assertEqual(resume["step"], 6 * 62)
        self.succeed("train", "--resume", "run", "--extend-epochs", "1")
        self.assertEqual(self.log("run")[-1]["step"], 10 * 62)

    def test_a_new_rate_is_taken_and_recorded(self):
        self.train("--out", "run", "--checkpoint-every", "100", "--keep", "9")
        before = self.model("run")
        self.go_back("run", 100)
        result = self.succeed("train", "--resume", "run", "--lr", "0.001")
        self.assertIn("rate 0.001", result.err)
        (resume,) = [e for e in self.log("run") if e["event"] == "resume"]
        self.assertEqual((resume["step"], resume["learning_rate"]), (100, 0.001))
        self.assertNotEqual(self.model("run"), before)

    def test_names_that_are_not_utf8(self):
        name = os.fsencode(self.folder) + b"/caf\xe9.txt"
        with open(name, "wb") as file:
            file.write(TEXT.encode())
        for arguments in ([name, *SMALL, "--out", "run", "--validation", name], ["--resume", "run", "--extend-epochs", "1"]):
            result = subprocess.run([PROGRAM, "train", *arguments], cwd=self.folder, capture_output=True)
            self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_share_stays_a_share_and_a_member_a_file(self):
        self.write("0.2", "nothing that could be scored")
        with zipfile.ZipFile(self.folder / "texts.zip", "w") as archive:
            archive.writestr("a.txt", TEXT[:200])
            archive.writestr("b.txt", TEXT[:100])
        os.mkdir(self.folder / "elsewhere")
        for validation in ("0.2", "texts.zip:a.txt"):
            self.train("--validation", validation, "--out", "run", "--overwrite")
            result = subprocess.run([PROGRAM, "train", "--resume", "../run", "--extend-epochs", "1"],
                                    cwd=self.folder / "elsewhere", capture_output=True)
            self.assertEqual(result.returncode, 0, result.stderr)

    def test_nothing_is_said_twice_where_an_epoch_ended_with_the_checkpoint(self):
        flags = ["--out", "run", "--keep", "9", "--validation", "0.1", "--epochs", "4"]
        self.train(*flags)
        steps = self.log("run")[0]["steps_per_epoch"]
        self.train(*flags, "--checkpoint-every", str(steps), "--overwrite")
        whole = self.model("run")
        self.go_back("run", 2 * steps)
        self.succeed("train", "--resume", "run")
        self.assertEqual(self.model("run"), whole)
        for kind in ("validation", "report"):
            lines = [e for e in self.log("run") if e["event"] == kind]
            self.assertEqual([e["step"] for e in lines], [n * steps for n in (1, 2, 3, 4)])
        self.assertTrue(all(e["learning_rate"] == 0.005 and e["gradient_norm"] > 0 for e in lines))

    def test_more_epochs_are_not_forgotten_by_a_kill(self):
        self.train("--out", "run")
        process = self.start("--resume", "run", "--extend-epochs", "100000", "--report-every", "1")
        self.wait_for_a_report(process)
        process.kill()
        process.stderr.read()
        process.wait()
        process = self.start("--resume", "run", "--report-every", "1")
        self.assertIn("of 62 steps", "".join(said := self.wait_for_a_report(process)))
        self.assertIn("100,006 epochs", "".join(said))

    def test_a_resumed_run_diverges_to_where_its_rate_began(self):
        flags = ["--cell", "rnn", "--activation", "relu", "--optimizer", "sgd", "--clip", "0", "--lr", "0.1", "--checkpoint-every", "100"]
        self.train(*flags, "--out", "run", "--keep", "9")
        self.succeed("train", "--resume", "run", "--extend-epochs", "2")
        self.complaint_underway(75, "train", "--resume", "run", "--extend-epochs", "2", "--lr", "3e38")
        rollbacks = [e for e in self.log("run") if e["event"] == "rollback"]
        self.assertEqual([e["step"] for e in rollbacks], [8 * 62] * 3)
        for event, rate in zip(rollbacks, (1.5e38, 0.75e38, 0.375e38)):
            self.assertAlmostEqual(event["learning_rate"] / rate, 1, places=6)

    def test_what_is_said_again_is_no_other_course(self):
        """Passing the value that an option has already, or another spelling of it, does not change where rollbacks go."""
        wild = ["--hidden", "12", "--limit", "500", "--batch", "4", "--steps", "20", "--epochs", "60", "--optimizer", "sgd", "--clip", "0",
                "--cell", "rnn", "--activation", "relu", "--lr", "1e6", "--checkpoint-every", "100", "--keep", "99"]
        self.succeed("train", "text.txt", *wild, "--epochs", "1", "--max-rollbacks", "99", "--out", "run")
        origin = updates_in(self.folder / "run")[-1]
        for flags in (["--patience", "0"], ["--max-rollbacks", "99"], ["--checkpoint-every", "0100"], ["--keep", "99"]):
            with self.subTest(flags):
                before = (self.folder / "run" / f"checkpoint-{origin}.safetensors").read_bytes()
                self.succeed("train", "--resume", "run", *flags)
                self.assertIn(b'\\"origin\\":0', before)
                self.assertIn(b'\\"origin\\":0', (self.folder / "run" / f"checkpoint-{origin}.safetensors").read_bytes())
        self.succeed("train", "--resume", "run", "--max-rollbacks", "98")
        self.assertIn(f'\\"origin\\":{origin}'.encode(), (self.folder / "run" / f"checkpoint-{origin}.safetensors").read_bytes())

    def test_patience_begins_anew_with_more_epochs(self):
        self.train("--out", "run", "--validation", "0.1", "--lr", "0.5", "--patience", "1", "--epochs", "40")
        before = self.log("run")[-1]["step"]
        self.assertIn("nothing better", self.succeed("train", "--resume", "run").err)
        self.succeed("train", "--resume", "run", "--extend-epochs", "3")
        self.assertGreater(self.log("run")[-1]["step"], before)

    def test_the_first_epoch_is_not_over(self):
        flags = ["--validation", "0.1", "--validate-every", "1", "--lr", "9", "--patience", "1", "--json"]
        for words in (["text.txt", *SMALL, *flags, "--out", "run"], ["--resume", "run", "--json"]):
            outcome = json.loads(self.succeed("train", *words).out)
            self.assertEqual(outcome["epochs"], 0)
            self.assertGreater(outcome["loss"], 1)

    def test_through_a_link(self):
        self.train("--out", "real/run")
        os.mkdir(self.folder / "real" / "deep")
        os.symlink(self.folder / "real" / "deep", self.folder / "link")
        self.succeed("train", "--resume", "link/../run", "--extend-epochs", "1")
        self.assertEqual(updates_in(self.folder / "real" / "run")[-1], 7 * 62)
        self.assertFalse((self.folder / "run").exists())

    def test_numbers_that_no_training_has(self):
        self.train("--checkpoint-every", "20", "--out", "whole")
        checkpoint = next((self.folder / "whole").glob("checkpoint-*.safetensors"))
        for field, key, value in [("numbers", "step", 10**6), ("numbers", "step", -7), ("numbers", "step", 2**64 - 1),
                                  ("numbers", "epoch", 0), ("numbers", "epoch", 2**63 - 1), ("numbers", "epoch", 10**12),
                                  ("numbers", "losses/count", -5), ("numbers", "learning_rate", -1),
                                  ("run", "epoch", "x"), ("run", "rollbacks", None), ("run", "origin", 10**6)]:
            with self.subTest(key=key, value=value):
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                (self.folder / "run").mkdir()
                (self.folder / "run" / checkpoint.name).write_bytes(with_number(checkpoint.read_bytes(), field, key, value))
                line = self.complaint(BAD_DATA, "train", "--resume", "run")
                self.assertIn(checkpoint.name, line)
                self.assertIn(key, line)

    def test_a_directory_without_model_gets_no_advice_to_begin_with_it(self):
        (self.folder / "run").mkdir()
        line = self.complaint(NO_INPUT, "train", "--resume", "run")
        self.assertNotIn("--init-from", line)
        self.train("--out", "whole")
        for path in (self.folder / "whole").glob("checkpoint-*.safetensors"):
            path.unlink()
        self.assertIn("--init-from whole", self.complaint(NO_INPUT, "train", "--resume", "whole"))

    def test_as_many_checkpoints_as_asked_for(self):
        for keep, left in (("1", [350, 372]), ("3", [300, 350, 372])):
            self.train("--out", "run", "--checkpoint-every", "50", "--keep", keep, "--overwrite")
            self.assertEqual(updates_in(self.folder / "run"), left, "and the one to return to")


class RefusalTest(ResumeTest):
    def setUp(self):
        super().setUp()
        self.train("--out", "run", "--checkpoint-every", "100")
        self.before = {name: (self.folder / name).read_bytes() for name in self.files("*.safetensors")}

    def refused(self, code, *arguments):
        line = self.complaint(code, "train", *arguments)
        self.assertEqual({name: (self.folder / name).read_bytes() for name in self.files("*.safetensors")}, self.before)
        self.assertEqual(self.files("lock"), [])
        return line

    def test_contradicting_flags(self):
        for flag, value, was in (("--hidden", "9", "with 8"), ("--cell", "lstm", "with gru"), ("--seed", "2", "with 1"),
                                 ("--batch", "3", "with 2"), ("--windows", "random", "with consecutive"), ("--epochs", "7", "with 6"),
                                 ("--clip-value", "3", "with 0"), ("--limit", "7", "with 0")):
            with self.subTest(flag):
                line = self.refused(USAGE, "--resume", "run", flag, value)
                self.assertIn(f"{flag} {value}", line)
                self.assertIn(was, line)
                self.assertIn("--init-from run", line)
        self.succeed("train", "--resume", "run", "--hidden", "8", "--cell", "gru", "--layers", "1", "--clip-value", "0.0",
                     "--batch", "3", "--batch", "2")

    def test_flags_of_a_new_run(self):
        for flags in (["--out", "other"], ["--overwrite"], ["--init-from", "run"]):
            self.assertIn(flags[0], self.refused(USAGE, "--resume", "run", *flags))
        self.assertIn("--resume", self.refused(USAGE, "text.txt", *SMALL, "--extend-epochs", "3"))
        self.assertIn("--validation 0.1", self.refused(USAGE, "--resume", "run", "--validation", "0.1"))
        self.assertIn("--validation", self.refused(USAGE, "--resume", "run", "--patience", "2"))
        self.assertIn("standard input", self.refused(USAGE, "--resume", "run", "-"))
        self.assertIn("name of a run", self.refused(USAGE, "--resume="))

    def test_another_text(self):
        self.write("text.txt", TEXT + "!")
        self.assertIn("is not the text that the run was begun with: 1 symbol", self.refused(BAD_DATA, "--resume", "run"))
        self.write("text.txt", TEXT + "the end")
        self.assertIn("text_fingerprint", self.refused(BAD_DATA, "--resume", "run"))
        self.write("moved.txt", TEXT)
        os.remove(self.folder / "text.txt")
        self.assertIn("text.txt", self.refused(NO_INPUT, "--resume", "run"))
        self.succeed("train", "moved.txt", "--resume", "run")

    def test_a_permuted_alphabet_is_another_text(self):
        self.write("text.txt", TEXT.translate(str.maketrans("taeh", "ehta")))
        self.refused(BAD_DATA, "--resume", "run")

    def test_nothing_to_go_on_with(self):
        self.assertIn("gone", self.refused(NO_INPUT, "--resume", "gone"))
        os.mkdir(self.folder / "empty")
        self.assertIn("no checkpoint", self.refused(NO_INPUT, "--resume", "empty"))
        self.assertIn("run/model.safetensors", self.refused(USAGE, "--resume", "run/model.safetensors"))

    def test_a_new_training_leaves_an_unfinished_one_alone(self):
        (self.folder / "run" / "model.safetensors").unlink()
        self.before.pop("run/model.safetensors")
        line = self.refused(USAGE, "text.txt", *SMALL, "--out", "run")
        self.assertIn("--resume run", line)
        self.assertIn("--overwrite", line)
        self.train("--out", "run", "--overwrite", "--seed", "5")
        self.assertEqual(updates_in(self.folder / "run")[-1], 372)

    def test_two_processes(self):
        first = self.start("text.txt", *SMALL, "--epochs", "1000000", "--report-every", "1", "--out", "busy")
        self.wait_for_a_report(first)
        self.assertIn("another training run", self.complaint(USAGE, "train", "--resume", "busy"))

    def test_other_numerics_and_another_program(self):
        path = self.folder / "run" / "checkpoint-372.safetensors"
        whole = path.read_bytes()
        own = re.search(rb'"numerics_class":"(\w+)"', whole)
        other = own[0].replace(own[1], b"x" * len(own[1]))
        for old, new, said in ((b'"numerics":"2"', b'"numerics":"3"', 'numerics "3", here they are "2"'),
                               (own[0], other, "resume with UNROLL_SIMD=xxx"),
                               (b'"settings":', b'"settingz":', "has no settings"),
                               (b'"format_version":"3"', b'"format_version":"4"', "format_version"),
                               (b"unroll.checkpoint", b"others.checkpoint", "others.checkpoint")):
            with self.subTest(said):
                self.assertIn(old, whole)
                path.write_bytes(with_checksum(whole.replace(old, new)))
                self.assertIn(said, self.complaint(BAD_DATA, "train", "--resume", "run"))


class DamageTest(ResumeTest):
    def test_damage_is_named_and_the_one_before_offered(self):
        self.train("--out", "run", "--checkpoint-every", "100")
        whole = self.model("run")
        path = self.folder / "run" / "checkpoint-372.safetensors"
        data = path.read_bytes()
        header = 8 + int.from_bytes(data[:8], "little")
        for name, damaged in (("flipped bit", data[:-5] + bytes([data[-5] ^ 4]) + data[-4:]), ("short", data[:-1]),
                              ("no header", data[:7]), ("half a header", data[:header // 2]), ("empty", b"")):
            with self.subTest(name):
                path.write_bytes(damaged)
                line = self.complaint(BAD_DATA, "train", "--resume", "run")
                self.assertIn("checkpoint-372", line)
                self.assertIn("--resume run/checkpoint-300.safetensors", line)
                self.assertEqual(path.read_bytes(), damaged)
        self.succeed("train", "--resume", "run/checkpoint-300.safetensors")
        self.assertEqual(self.model("run"), whole)
        self.assertEqual(path.read_bytes()[header - len(data):], data[header:])


class SignalTest(ResumeTest):
    LONG = [*SMALL, "--epochs", "400", "--report-every", "1", "--sample-length", "0"]

    def test_first_signal_saves_and_says_how_to_go_on(self):
        self.succeed("train", "text.txt", *self.LONG, "--out", "whole")
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number):
                shutil.rmtree(self.folder / "run", ignore_errors=True)
                process = self.start("text.txt", *self.LONG, "--out", "run")
                self.wait_for_a_report(process)
                process.send_signal(number)
                said, out = process.stderr.read().decode(), process.stdout.read()
                self.assertEqual((process.wait(), out), (code, b""), said)
                self.assertRegex(said, r"stopped .* after update [\d,]+; go on with: unroll train --resume run\n$")
                self.assertEqual(self.log("run")[-1]["reason"], "stopped")
                self.assertEqual(self.log("run")[-1]["step"], updates_in(self.folder / "run")[-1])
                self.assertEqual(self.files("*.tmp.*") + self.files("lock"), [])
                self.succeed("generate", "run")
                self.succeed("train", "--resume", "run")
                self.assertEqual(self.model("run"), self.model("whole"))

    def test_a_terminal_that_closes_may_say_so_twice(self):
        process = self.start("text.txt", *self.LONG, "--out", "my run")
        self.wait_for_a_report(process)
        for _ in range(5):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.0002)
        said = process.stderr.read().decode()
        self.assertEqual(process.wait(), 129)
        self.assertTrue(said.endswith("--resume 'my run'\n"), said)

    def test_second_signal_ends_at_once(self):
        self.write("long.txt", TEXT * 200)
        process = self.start("long.txt", "--hidden", "512", "--batch", "64", "--steps", "1000", "--epochs", "9", "--out", "run")
        while not process.stderr.readline().startswith(b"saving"):  # signals are handled from before this line on
            self.assertIsNone(process.poll())
        time.sleep(0.5)  # within the first step, which takes seconds
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        self.assertIsNone(process.poll(), "the step is finished first")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=2), 130)
        self.complaint(USAGE, "train", "long.txt", "--out", "run")

    def test_what_was_ignored_stays_ignored(self):
        """SIGHUP is ignored at the start, as under nohup."""
        process = subprocess.Popen([PROGRAM, "train", "text.txt", *self.LONG, "--out", "run"], cwd=self.folder,
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.addCleanup(process.stderr.close)
        self.wait_for_a_report(process)
        process.send_signal(signal.SIGHUP)
        process.stderr.read()
        self.assertEqual(process.wait(), 0)


class FaultTest(ResumeTest):
    def test_a_disk_that_is_full_for_a_while(self):
        """One warning; the model, which is smaller than a checkpoint, is written; the last line reports that the save failed."""
        self.train("--out", "run")
        size = max(p.stat().st_size for p in (self.folder / "run").glob("checkpoint-*"))
        result = self.run_program("train", "text.txt", *SMALL, "--out", "full", "--checkpoint-every", "40",
                                  preexec_fn=limit_file_size(size - 1000))
        self.assertEqual(result.returncode, IO, result.err)
        warnings = [line for line in result.err.splitlines() if line.startswith("warning") and "checkpoint" in line]
        self.assertEqual(len(warnings), 1, result.err)
        self.assertIn("training goes on", warnings[0])
        self.assertIn("File too large", warnings[0])
        self.assertTrue(result.err.splitlines()[-1].startswith("unroll: "))
        self.assertEqual(updates_in(self.folder / "full"), [])
        self.assertEqual(self.model("full"), self.model("run"))
        self.assertEqual(self.log("full")[-1]["reason"], "failed")

    def test_a_run_directory_that_vanishes(self):
        process = self.start("text.txt", *SMALL, "--epochs", "300", "--report-every", "1", "--checkpoint-every", "100",
                             "--sample-length", "0", "--out", "run")
        said = self.wait_for_a_report(process)
        os.rename(self.folder / "run", self.folder / "gone")
        said += [line.decode() for line in process.stderr]
        self.assertEqual(process.wait(), IO, "".join(said))
        self.assertTrue(any(line.startswith("epoch 300 ") for line in said), "training goes on to its end")
        self.assertEqual(len([line for line in said if line.startswith("warning") and "checkpoint" in line]), 1)
        self.assertTrue(said[-1].startswith("unroll: run/"), said[-1])

    def test_a_real_full_disk(self):
        """A small tmpfs that fills up and has free space again later."""
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", disk], capture_output=True).returncode != 0:
            self.skipTest("needs the right to mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        process = self.start("text.txt", *SMALL, "--epochs", "400000", "--out", "disk/run", "--checkpoint-every", "60",
                             "--report-every", "100", "--sample-length", "0")
        said = self.wait_for_a_report(process)
        with open(disk / "filler", "wb", buffering=0) as filler, self.assertRaises(OSError):
            while True:
                filler.write(b"x" * 4096)
        deadline = time.time() + 20
        for line in process.stderr:
            said.append(line.decode())
            if said[-1].startswith("warning") and "checkpoint" in said[-1]:
                break
            self.assertLess(time.time(), deadline)
        self.assertIn("No space left on device", said[-1])
        last = updates_in(disk / "run")
        self.assertTrue(last)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        self.assertEqual(process.wait(), IO)
        self.assertEqual(updates_in(disk / "run"), last, "what was whole stays")
        (disk / "filler").unlink()
        process = self.start("--resume", "disk/run", "--report-every", "1")
        self.assertTrue(self.wait_for_a_report(process))
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        self.assertEqual(process.wait(), 143)


class DivergenceTest(ResumeTest):
    """ReLU networks without clipping, with learning rates that are far too high at first."""

    WILD = ["--hidden", "8", "--batch", "2", "--epochs", "6", "--cell", "rnn", "--activation", "relu", "--clip", "0", "--keep", "99"]

    def rollbacks(self, run="run"):
        return [e for e in self.log(run) if e["event"] == "rollback"]

    def test_it_goes_back_with_half_the_rate_and_repeats_it(self):
        flags = [*self.WILD, "--steps", "5", "--optimizer", "adam", "--lr", "1e6", "--checkpoint-every", "20", "--max-rollbacks", "99"]
        result = self.succeed("train", "text.txt", *flags, "--out", "run")
        attempts = re.findall(r"^warning   training diverged in epoch 1, step \d+: .*; back to update 0 .* attempt (\d+) of 99$",
                              result.err, re.M)
        self.assertGreater(len(attempts), 3)
        self.assertEqual(attempts, [str(n + 1) for n in range(len(attempts))])
        self.assertEqual([(e["attempt"], e["learning_rate"]) for e in self.rollbacks()],
                         [(n + 1, 1e6 / 2 ** (n + 1)) for n in range(len(attempts))])
        whole = self.model("run")
        for update in updates_in(self.folder / "run")[:-1:4]:
            self.go_back("run", update)
            self.succeed("train", "--resume", "run")
            self.assertEqual(self.model("run"), whole, update)

    def test_it_gives_up(self):
        flags = [*self.WILD, "--steps", "20", "--layers", "2", "--optimizer", "rmsprop", "--lr", "3", "--checkpoint-every", "3"]
        line = self.complaint_underway(75, "train", "text.txt", *flags, "--max-rollbacks", "8", "--out", "run")
        self.assertRegex(line, r"epoch 1, step \d+")
        rollbacks = self.rollbacks()
        self.assertEqual([e["learning_rate"] for e in rollbacks], [3 / 2 ** n for n in range(1, 9)])
        self.assertEqual([e["step"] for e in rollbacks], sorted(e["step"] for e in rollbacks))
        self.assertGreater(rollbacks[-1]["step"], 0, "it went back to the last checkpoint, not the first")
        self.assertEqual(self.log("run")[-1]["reason"], "diverged")
        # A resumed run has no attempts left either, unless it is allowed more.
        self.complaint_underway(75, "train", "--resume", "run")
        self.assertEqual(len(self.rollbacks()), 8)
        self.complaint_underway(75, "train", "--resume", "run", "--max-rollbacks", "9")
        self.assertEqual(self.rollbacks()[-1]["attempt"], 9)

    def test_default_and_none(self):
        flags = [*self.WILD, "--steps", "5", "--optimizer", "sgd", "--lr", "1e30"]
        self.complaint_underway(75, "train", "text.txt", *flags, "--out", "run")
        self.assertEqual(len(self.rollbacks()), 3)
        self.complaint_underway(75, "train", "text.txt", *flags, "--max-rollbacks", "0", "--out", "other")
        self.assertEqual(self.rollbacks("other"), [])


class InitFromTest(ResumeTest):
    def test_the_vocabulary_grows_and_old_symbols_keep_their_weights(self):
        self.train("--out", "first")
        self.write("more.txt", "Quick zebras jump over 12 lazy dogs! " * 12)
        result = self.succeed("train", "more.txt", "--init-from", "first", "--batch", "2", "--steps", "5", "--epochs", "1",
                              "--lr", "1e-30", "--out", "second")
        old = json.loads(model_contents(self.folder / "first" / "model.safetensors")[0]["vocabulary"])
        new = json.loads(model_contents(self.folder / "second" / "model.safetensors")[0]["vocabulary"])
        self.assertEqual(new["symbols"][:len(old["symbols"])], old["symbols"])
        added = len(new["symbols"]) - len(old["symbols"])
        self.assertGreater(added, 5)
        self.assertIn(f"those of {len(old['symbols'])} symbols stay, {added} that the text has", result.err)
        _, before = model_contents(self.folder / "first" / "model.safetensors")
        _, after = model_contents(self.folder / "second" / "model.safetensors")
        self.assertEqual(after["rnn.weight_hh_l0"], before["rnn.weight_hh_l0"], "the rate was next to nothing")
        self.succeed("train", "--resume", "second", "--extend-epochs", "1", "--hidden", "8")
        self.assertIn("begun with gru", self.complaint(USAGE, "train", "--resume", "second", "--cell", "lstm"))
        self.assertIn("a checkpoint is no model", self.complaint(BAD_DATA, "train", "text.txt", "--init-from",
                                                                 next((self.folder / "second").glob("checkpoint*"))))

    def test_the_architecture_is_that_of_the_model(self):
        self.train("--out", "first", "--cell", "lstm")
        self.train("--out", "second", "--init-from", "first")
        self.assertIn("begun with lstm", self.complaint(USAGE, "train", "--resume", "second", "--cell", "gru"))
        self.succeed("train", "--resume", "second", "--cell", "lstm")

    def test_contradictions(self):
        self.train("--out", "first")
        for flags in (["--hidden", "9"], ["--cell", "lstm"], ["--newlines", "space"]):
            line = self.complaint(USAGE, "train", "text.txt", "--init-from", "first", *flags, "--out", "second")
            self.assertIn(flags[0], line)
            self.assertIn("--init-from first", line)
        self.assertIn("gone", self.complaint(NO_INPUT, "train", "text.txt", "--init-from", "gone"))


if __name__ == "__main__":
    unittest.main()
