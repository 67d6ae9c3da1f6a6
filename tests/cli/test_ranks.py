"""Training over several processes, with mpirun on this host."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

from ranks import ENVIRONMENT, HAS_MPI, SMALL, TEXT, RanksTest, children_of, is_alive
from support import BAD_DATA, DIVERGED, INTERNAL, NO_INPUT, PROGRAM, RANK_LOST, USAGE


@unittest.skipUnless(HAS_MPI, "neither mpirun nor the plugin for it")
class RanksOnOneHostTest(RanksTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)

    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def test_the_model_is_that_of_one_process(self):
        for flags in (["--cell", "lstm", "--layers", "2", "--dropout", "0.3", "--validation", "0.2"],
                      ["--windows", "random", "--accumulate", "3", "--checkpoint-every", "1s"]):
            with self.subTest(flags):
                self.succeed("train", "text.txt", *SMALL, *flags, "--out", "one", "--overwrite", "--threads", "1")
                for ranks in (2, 3, 4):
                    result = self.ranks_succeed(ranks, "train", "text.txt", *SMALL, *flags, "--out", "many", "--overwrite",
                                                "--threads", str(3 - ranks // 2))
                    self.assertEqual(self.model("many"), self.model("one"), ranks)
                    self.assertEqual(len(re.findall("^epoch 4 ", result.err, re.M)), 1, "one line, not one from each")
                    self.assertEqual(result.out.count("model many"), 1)

    def test_a_run_goes_on_with_another_number_of_ranks(self):
        flags = ["--cell", "gru", "--layers", "2", "--dropout", "0.2", "--checkpoint-every", "50", "--keep", "9"]
        self.succeed("train", "text.txt", *SMALL, *flags, "--out", "one")
        self.ranks_succeed(3, "train", "text.txt", *SMALL, *flags, "--out", "many")
        for update, ranks in ((100, 2), (50, 1), (0, 4)):
            self.ranks_succeed(ranks, "train", "--resume", f"many/checkpoint-{update}.safetensors")
            self.assertEqual(self.model("many"), self.model("one"), (update, ranks))

    def test_without_slices_there_is_one_for_each_rank(self):
        flags = SMALL[:-2]
        self.ranks_succeed(2, "train", "text.txt", *flags, "--out", "two")
        self.succeed("train", "text.txt", *flags, "--gradient-slices", "2", "--out", "one")
        self.assertEqual(self.model("two"), self.model("one"))
        (start,) = [e for e in self.log("two") if e["event"] == "start"]
        self.assertEqual((start["ranks"], start["gradient_slices"]), (2, 2))
        self.assertIn("3 ranks cannot share a batch of 2 slices", self.ranks_complain(USAGE, 3, "train", "--resume", "two"))

    def test_bad_input_is_one_line(self):
        for code, expected, arguments in (
                (NO_INPUT, "nowhere.txt", ["nowhere.txt"]),
                (USAGE, "--hidden", ["text.txt", "--hidden", "0"]),
                (USAGE, "--batch 2: has not a window for each of 3 ranks", ["text.txt", "--batch", "2"]),
                (USAGE, "standard input", ["-"])):
            with self.subTest(arguments):
                self.assertIn(expected, self.ranks_complain(code, 3, "train", *arguments))
        self.assertEqual(self.files("runs/*"), [])

    def own_folders(self):
        """A script that runs the program in a folder named after its rank."""
        script = self.write("start.sh", f'#!/bin/sh\ncd "$OMPI_COMM_WORLD_RANK" && exec {PROGRAM} "$@"\n')
        script.chmod(0o755)
        for rank in range(3):
            (self.folder / str(rank)).mkdir()
            self.write(f"{rank}/text.txt", TEXT)
        return script

    def complaint_of_own_folders(self, code, *arguments):
        command = ["mpirun", "-q", "-n", "3", str(self.own_folders_script), "train", *arguments]
        result = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=100, env=ENVIRONMENT)
        self.assertEqual(result.returncode, code, result.stderr)
        (line,) = [line for line in result.stderr.decode().splitlines() if line.startswith("unroll: ")]
        return line

    def test_ranks_that_see_different_things(self):
        self.own_folders_script = self.own_folders()
        shared = ["--out", str(self.folder / "shared")]
        self.write("2/text.txt", TEXT.replace("cat", "cow"))
        self.assertRegex(self.complaint_of_own_folders(BAD_DATA, "text.txt", *SMALL, *shared), "rank 2 on .* another text")
        (self.folder / "2" / "text.txt").unlink()
        self.assertRegex(self.complaint_of_own_folders(NO_INPUT, "text.txt", *SMALL, *shared), "rank 2 on .*text.txt")
        self.write("2/text.txt", TEXT)
        self.assertRegex(self.complaint_of_own_folders(USAGE, "text.txt", *SMALL, "--out", "own"), "rank 1 on .* share")

    def test_threads_are_those_of_the_binding_or_a_share(self):
        cores = sorted(os.sched_getaffinity(0))
        flags = ["train", "text.txt", *SMALL, "--epochs", "1", "--overwrite", "--json", "--out", "run"]
        self.assertEqual(json.loads(self.ranks_succeed(2, *flags).out)["threads"], max(1, len(cores) // 2))
        if len(cores) == 1:
            self.skipTest("one core cannot be divided")
        bound = ",".join(map(str, cores[1:]))
        self.write("start.sh", f'#!/bin/sh\nexec taskset -c {bound} {PROGRAM} "$@"\n').chmod(0o755)
        result = subprocess.run(["mpirun", "-q", "-n", "2", "./start.sh", *flags], cwd=self.folder, capture_output=True,
                                timeout=100, env=ENVIRONMENT, check=True)
        self.assertEqual(json.loads(result.stdout)["threads"], len(cores) - 1)

    def test_a_slow_step_is_no_hang(self):
        self.write("text.txt", TEXT * 9)
        flags = ["--hidden", "800", "--cell", "lstm", "--batch", "64", "--steps", "200", "--epochs", "1", "--threads", "1",
                 "--rank-timeout", "1"]
        self.ranks_succeed(2, "train", "text.txt", *flags, "--out", "run", UNROLL_SIMD="sse4")
        working = [event["working"] for event in self.log("run") if event["event"] == "rank"]
        if max(working) < 1.5:
            self.skipTest("this machine is too quick for a slow step")

    def test_too_little_memory_for_one_rank(self):
        self.own_folders_script = self.own_folders()
        self.write("start.sh", f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && ulimit -v 2000000\nexec {PROGRAM} "$@"\n')
        large = ["--hidden", "4000", "--batch", "8", "--steps", "5", "--layers", "2", "--cell", "lstm"]
        line = self.complaint_of_own_folders(INTERNAL, "text.txt", *large, "--out", "run")
        self.assertRegex(line, "rank 1 on .*: out of memory: this training takes about")
        self.assertEqual(self.files("run*"), [])

    def test_memory_is_shared_by_the_ranks_of_a_host(self):
        meminfo = Path("/proc/meminfo").read_text()
        available = 1024 * sum(map(int, re.findall(r"^(?:MemAvailable|SwapFree): +(\d+)", meminfo, re.M)))
        # Weights, their packed copy, their gradients and those of the other rank: 4 blocks of H x H numbers of 4 bytes. Each
        # of the ranks takes two thirds of the available memory.
        hidden = int((available / 24) ** 0.5)
        flags = ["--hidden", hidden, "--batch", "2", "--steps", "2", "--epochs", "1", "--optimizer", "sgd", "--cell", "rnn"]
        self.assertRegex(self.ranks_complain(INTERNAL, 2, "train", "text.txt", *flags), "out of memory: this training takes about")

    def test_ranks_take_the_target_that_all_have(self):
        self.own_folders_script = self.own_folders()
        self.write("start.sh", f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export UNROLL_SIMD=sse4\nexec {PROGRAM} "$@"\n')
        command = ["mpirun", "-q", "-n", "2", "./start.sh", "train", "text.txt", *SMALL, "--out", "mixed"]
        subprocess.run(command, cwd=self.folder, capture_output=True, timeout=100, env=ENVIRONMENT, check=True)
        self.succeed("train", "text.txt", *SMALL, "--out", "one", env={**os.environ, "UNROLL_SIMD": "sse4"})
        self.assertEqual(self.model("mixed"), self.model("one"))

    def test_a_signal_to_mpirun_saves_and_stops(self):
        # A slow training, because for a second mpirun neither reads the output of the ranks nor forwards the signal.
        flags = [*SMALL, "--hidden", "150", "--epochs", "100000", "--report-every", "1"]
        process = subprocess.Popen(self.ranks_command(2, "train", "text.txt", *flags, "--out", "run"), cwd=self.folder,
                                   stderr=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True)
        for line in process.stderr:
            if line.startswith(b"epoch 2 "):
                break
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read().decode()
        process.wait(timeout=20)
        process.stderr.close()
        self.assertEqual(said.count("stopped   by SIGTERM after update"), 1, said)
        (update,) = re.findall(r"after update ([\d,]+)", said)
        self.assertIn(f"run/checkpoint-{update.replace(',', '')}.safetensors", self.files("run/*"))

    def start(self, ranks, *flags):
        process = subprocess.Popen(self.ranks_command(ranks, "train", "text.txt", *SMALL, "--epochs", "100000",
                                                      "--report-every", "1", "--out", "run", *flags),
                                   cwd=self.folder, stderr=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        for line in process.stderr:
            if line.startswith(b"epoch 2 "):
                break
        return process, children_of(process.pid)

    def expect_end(self, process, children, seconds=10):
        began = time.monotonic()
        said = process.stderr.read().decode()
        process.wait(timeout=30)
        self.assertLess(time.monotonic() - began, seconds, said)
        # mpirun kills a frozen rank and may end before that process has.
        latest = time.monotonic() + 5
        while any(map(is_alive, children)) and time.monotonic() < latest:
            time.sleep(0.02)
        self.assertEqual([child for child in children if is_alive(child)], [], "no process is left behind")
        return said

    def test_a_killed_rank_ends_all(self):
        process, children = self.start(3)
        os.kill(children[1], signal.SIGKILL)
        said = self.expect_end(process, children)
        self.assertEqual(len(re.findall("^unroll: rank 1 on .* was killed or crashed", said, re.M)), 1, said)
        self.assertEqual(len(re.findall("^unroll: ", said, re.M)), 1, said)
        self.assertEqual(process.returncode, 128 + signal.SIGKILL, "which mpirun takes over")

    def test_the_cost_of_sharing_is_foretold(self):
        result = json.loads(self.ranks_succeed(3, "bench", "--distributed", "--only", "training/rnn-256", "--repeats", "1", "--json").out)
        self.assertEqual([result["ranks"], result["hosts"]], [3, 1])
        (training,) = result["results"]
        self.assertEqual([one["machines"] for one in training["machines"]], [1, 2, 4, 8, 16, 32])
        for one in (training["foretold"], *training["machines"]):
            machines = one["machines"]
            exchange = 0
            if machines > 1:
                exchange = (3 * result["latency"] * max(1, (machines - 1) / 2)
                            + 2 * (1 - 1 / machines) * training["gradient_bytes"] / result["bandwidth"])
            self.assertAlmostEqual(one["exchange"], exchange)
            self.assertAlmostEqual(one["seconds"], exchange + one["work"] + one["sum"] + one["update"])
        self.assertGreater(training["measured_seconds"], 0)
        alone = self.succeed("bench", "--distributed", "--only", "training/rnn-256", "--repeats", "1").out
        self.assertIn("mpirun", alone)
        self.assertIn("1 rank here", alone)
        self.assertIn("not a window for each of 33 ranks",
                      self.ranks_complain(USAGE, 33, "bench", "--distributed", "--only", "training/rnn-256"))

    def run_with_a_rank_that_is_often_stopped(self):
        # The work of one update takes longer than the rank runs at a time, or the stops would fall into its waiting.
        process, children = self.start(3, "--hidden", "300", "--steps", "30", "--gradient-slices", "3", "--batch", "30",
                                       "--threads", "1", "--overwrite")
        said = []
        reader = threading.Thread(target=lambda: said.append(process.stderr.read().decode()))
        reader.start()
        for _ in range(50):  # the rank runs for a tenth of the time
            os.kill(children[1], signal.SIGSTOP)
            time.sleep(0.18)
            os.kill(children[1], signal.SIGCONT)
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        reader.join()
        return said[0]

    def test_a_slow_rank_is_named(self):
        named = r"(?m)^slow      rank 1 on .* takes \d+\.\d times as long as the others, which wait \d+ % of the time$"
        for _ in range(3):  # repeated, because on a busy machine all ranks are slow at times
            said = self.run_with_a_rank_that_is_often_stopped()
            if re.search(named, said):
                break
        self.assertRegex(said, named)
        lines = [event for event in self.log("run") if event["event"] == "rank"]
        self.assertEqual([line["rank"] for line in lines[:6]], [0, 1, 2, 0, 1, 2])
        self.assertTrue(all(line["symbols_per_second"] > 0 for line in lines))
        slow, others = ([line for line in lines if (line["rank"] == 1) == its] for its in (True, False))
        self.assertGreater(max(line["waiting"] for line in others), 0.1)
        self.assertGreater(max(line["working"] for line in slow), 0.1)

    def test_a_frozen_rank_ends_all(self):
        for rank in (2, 0):
            with self.subTest(rank):
                process, children = self.start(3, "--rank-timeout", "3", "--overwrite")
                os.kill(children[rank], signal.SIGSTOP)
                said = self.expect_end(process, children)
                self.assertEqual(len(re.findall(f"^unroll: rank {rank} on .* has not been heard of", said, re.M)), 1, said)
                self.assertEqual(len(re.findall("^unroll: ", said, re.M)), 1, said)
                self.assertEqual(process.returncode, RANK_LOST)

    def test_ranks_that_were_all_frozen_go_on(self):
        process, children = self.start(2, "--rank-timeout", "2")
        self.freeze(children, 4)
        time.sleep(3)
        self.assertIsNone(process.poll())
        os.kill(children[1], signal.SIGKILL)
        said = self.expect_end(process, children)
        self.assertEqual(len(re.findall("^unroll: rank 1 on .* was killed or crashed", said, re.M)), 1, said)

    def test_who_was_frozen_for_a_moment_still_says_what_happens_to_others(self):
        process, children = self.start(2, "--rank-timeout", "4")
        self.freeze(children[:1], 2.5)
        os.kill(children[1], signal.SIGKILL)
        said = self.expect_end(process, children)
        self.assertEqual(len(re.findall("^unroll: rank 1 on .* was killed or crashed", said, re.M)), 1, said)

    def freeze(self, processes, seconds):
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        time.sleep(seconds)
        for process in processes:
            os.kill(process, signal.SIGCONT)

    def test_a_run_keeps_its_timeout(self):
        self.ranks_succeed(2, "train", "text.txt", *SMALL, "--rank-timeout", "60", "--out", "run")
        process = subprocess.Popen(self.ranks_command(2, "train", "--resume", "run", "--extend-epochs", "100000", "--report-every", "1"),
                                   cwd=self.folder, stderr=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(os.killpg, process.pid, signal.SIGKILL)
        for line in process.stderr:
            if line.startswith(b"epoch 6 "):
                break
        self.freeze(children_of(process.pid)[1:], 7)
        time.sleep(1)
        self.assertIsNone(process.poll())

    def test_settings_that_differ_are_named(self):
        self.own_folders_script = self.own_folders()
        self.write("start.sh", f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && set -- "$@" --lr 0.5\nexec {PROGRAM} "$@"\n')
        line = self.complaint_of_own_folders(BAD_DATA, "text.txt", *SMALL, "--out", "run")
        self.assertRegex(line, "rank 1 on .* has another setting than rank 0 on .*: --lr 0.5 and nothing; start all ranks alike")

    def test_what_one_rank_cannot_even_begin_with_is_said(self):
        self.own_folders_script = self.own_folders()
        self.write("start.sh", f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 2 ] && set -- "$@" --config gone.toml\nexec {PROGRAM} "$@"\n')
        self.assertRegex(self.complaint_of_own_folders(NO_INPUT, "text.txt", *SMALL, "--out", "run"), "rank 2 on .*: .*gone.toml")

    def test_long_lines_are_whole(self):
        folder = "a" * 240 + "/" + "b" * 240
        self.succeed("train", "text.txt", *SMALL, "--out", folder)
        line = self.complaint(USAGE, "train", "text.txt", *SMALL, "--out", folder)
        self.assertGreater(len(line), 500)
        self.assertTrue(self.ranks_complain(USAGE, 2, "train", "text.txt", *SMALL, "--out", folder)
                        .endswith(line.strip().removeprefix("unroll: ")))

    def test_divergence_is_recorded_before_all_end(self):
        flags = [*SMALL, "--optimizer", "sgd", "--lr", "1e38", "--clip", "0", "--max-rollbacks", "0"]
        line = self.ranks_complain(DIVERGED, 3, "train", "text.txt", *flags, "--out", "run")
        self.assertIn("training diverged in epoch 1", line)
        self.assertEqual(self.log("run")[-1]["event"], "stop")


class WithoutRanksTest(RanksTest):
    def test_a_rank_without_mpi_is_told(self):
        self.write("text.txt", TEXT)
        lonely = self.folder / "unroll"
        lonely.write_bytes(Path(PROGRAM).read_bytes())
        lonely.chmod(0o755)
        result = subprocess.run([lonely, "train", "text.txt"], cwd=self.folder, capture_output=True,
                                env={**os.environ, "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "4"})
        self.assertEqual(result.returncode, USAGE)
        self.assertIn(b"one of 4 that were started together, and there is no MPI plugin ", result.stderr)


if __name__ == "__main__":
    unittest.main()
