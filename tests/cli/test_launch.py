"""Training over several processes that `unroll launch` starts on this host."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

from ranks import HAS_MPI, MPIRUN, SMALL, TEXT, RanksTest, children_of, is_alive
from support import BAD_DATA, IO, NO_INPUT, PROGRAM, RANK_LOST, USAGE


@unittest.skipUnless(HAS_MPI, "neither mpirun nor the plugin for it")
class LaunchTest(RanksTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)

    def launch(self, *arguments, env=None):
        process = subprocess.Popen([PROGRAM, "launch", *map(str, arguments)], cwd=self.folder, stderr=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=env)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def ranks_of(self, process):
        """The process ids of mpirun's ranks, once training has started."""
        for line in process.stderr:
            if line.startswith(b"epoch 0"):
                break
        (mpirun,) = children_of(process.pid)
        return children_of(mpirun)

    def test_it_is_the_training_itself(self):
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--out", "two")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn(b"model two/model.safetensors", out)
        self.succeed("train", "text.txt", *SMALL, "--out", "one")
        self.assertEqual((self.folder / "two/model.safetensors").read_bytes(), (self.folder / "one/model.safetensors").read_bytes())

    def test_a_failure_is_not_repeated(self):
        process = self.launch("--ranks", 2, "--max-restarts", 3, "--", "train", "nowhere.txt", "--out", "run")
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, NO_INPUT)
        self.assertEqual(err.decode().splitlines(), ["unroll: nowhere.txt: no such file; check the path"])

    def test_after_a_loss_it_goes_on_with_those_that_are_left(self):
        flags = [*SMALL, "--epochs", "40", "--checkpoint-every", "20"]
        self.succeed("train", "text.txt", *flags, "--out", "one")
        process = self.launch("--ranks", 4, "--max-restarts", 2, "--", "train", "text.txt", *flags, "--out", "run")
        os.kill(self.ranks_of(process)[3], signal.SIGKILL)
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertIn("restart   1 of 2, with 3 ranks", err.decode())
        self.assertEqual((self.folder / "run/model.safetensors").read_bytes(), (self.folder / "one/model.safetensors").read_bytes())

    def test_ctrl_c_saves_and_stops_once(self):
        process = self.launch("--ranks", 2, "--max-restarts", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run")
        self.ranks_of(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(err.decode().count("go on with: unroll train --resume run"), 1, err)
        self.assertNotIn("restart", err.decode())
        self.assertIn("stopped   by Ctrl-C after update", err.decode())
        self.assertEqual(process.returncode, 128 + signal.SIGINT)

    def with_stubborn_mpirun(self, command):
        """An environment whose mpirun runs `command`, a list of words in Python, and ignores all signals to itself."""
        folder = self.folder / "stubborn"
        folder.mkdir()
        (folder / "mpirun").write_text(f"""#!{sys.executable}
import signal, subprocess, sys
for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(ignored, signal.SIG_IGN)
code = subprocess.run({command}).returncode
sys.exit(code if code >= 0 else 128 - code)
""")
        (folder / "mpirun").chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def ranks_below(self, process):
        """The process ids of the ranks of a stubborn mpirun, once training has started."""
        (mpirun,) = self.ranks_of(process)
        return children_of(mpirun)

    def test_ctrl_c_does_not_need_mpiruns_handling_of_signals(self):
        environment = self.with_stubborn_mpirun(f"[{MPIRUN!r}, *sys.argv[1:]]")
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run", env=environment)
        ranks = self.ranks_below(process)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - began, 5, err)
        self.assertIn("stopped   by Ctrl-C after update", err.decode())
        self.assertEqual(process.returncode, 128 + signal.SIGINT)
        self.assertEqual([rank for rank in ranks if is_alive(rank)], [])

    def test_mpirun_that_starts_no_rank_is_given_up(self):
        environment = self.with_stubborn_mpirun("['sleep', '100']")
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--out", "run", env=environment)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_a_second_signal_ends_all_at_once(self):
        environment = self.with_stubborn_mpirun("['sleep', '100']")
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--out", "run", env=environment)
        time.sleep(0.5)
        (mpirun,) = children_of(process.pid)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertFalse(is_alive(mpirun))

    def kill_launch(self, process, ranks, within):
        """Kills launch alone; its ranks must end by themselves `within` seconds."""
        process.kill()
        process.wait()
        until = time.monotonic() + within
        while any(map(is_alive, ranks)) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual([rank for rank in ranks if is_alive(rank)], [])

    def test_ranks_whose_launcher_is_killed_save_and_stop(self):
        environment = self.with_stubborn_mpirun(f"[{MPIRUN!r}, *sys.argv[1:]]")
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run", env=environment)
        ranks = self.ranks_below(process)
        self.kill_launch(process, ranks, within=5)
        self.assertEqual(self.log("run")[-1]["reason"], "stopped")

    def test_the_loss_of_mpirun_is_that_of_its_ranks(self):
        flags = [*SMALL, "--epochs", "40", "--checkpoint-every", "20"]
        self.succeed("train", "text.txt", *flags, "--out", "one")
        process = self.launch("--ranks", 3, "--max-restarts", 2, "--", "train", "text.txt", *flags, "--out", "run")
        self.ranks_of(process)
        (mpirun,) = children_of(process.pid)
        os.kill(mpirun, signal.SIGKILL)
        _, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, err.decode())
        self.assertIn("restart   1 of 2, with 2 ranks", err.decode())
        self.assertEqual((self.folder / "run/model.safetensors").read_bytes(), (self.folder / "one/model.safetensors").read_bytes())

    def test_launch_returns_after_its_ranks(self):
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run")
        ranks = self.ranks_of(process)
        os.kill(ranks[0], signal.SIGSTOP)  # one that does not notice anything
        (mpirun,) = children_of(process.pid)
        os.kill(mpirun, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, RANK_LOST, err.decode())
        self.assertEqual([rank for rank in ranks if is_alive(rank)], [])

    def test_ctrl_c_while_mpirun_starts_is_not_lost(self):
        for seconds in (0.02, 0.1, 0.4):
            process = self.launch("--ranks", 2, "--max-restarts", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run",
                                  "--overwrite")
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, -signal.SIGINT if process.returncode < 0 else 128 + signal.SIGINT, err)

    def test_nothing_is_left_where_launch_is_killed(self):
        process = self.launch("--ranks", 2, "--", "train", "text.txt", *SMALL, "--epochs", "100000", "--out", "run")
        ranks = self.ranks_of(process)
        self.kill_launch(process, ranks, within=10)

    def kill_before_it_begins(self, process):
        """Kills one of the ranks before they have started to work."""
        ranks = []
        while len(ranks) < 2:
            ranks = [rank for child in children_of(process.pid) for rank in children_of(child)]
        os.kill(ranks[1], signal.SIGKILL)

    def test_a_restart_keeps_what_is_not_saved_yet(self):
        self.succeed("train", "text.txt", *SMALL, "--out", "run")
        process = self.launch("--ranks", 2, "--max-restarts", 1, "--", "train", "--resume", "run", "--extend-epochs", "2", "--json")
        self.kill_before_it_begins(process)
        out, err = process.communicate(timeout=60)
        self.assertIn(b"restart", err)
        self.assertEqual(json.loads(out)["epochs"], 6)

    def test_a_restart_does_not_take_another_run_for_its_own(self):
        self.write("other.txt", TEXT.replace("cat", "cow"))
        self.succeed("train", "other.txt", *SMALL, "--seed", "7", "--out", "run")
        process = self.launch("--ranks", 2, "--max-restarts", 1, "--", "train", "text.txt", *SMALL, "--overwrite", "--out", "run")
        self.kill_before_it_begins(process)
        _, err = process.communicate(timeout=60)
        self.assertIn(b"restart", err)
        self.assertEqual(process.returncode, 0, err)
        self.succeed("train", "text.txt", *SMALL, "--out", "one")
        self.assertEqual((self.folder / "run/model.safetensors").read_bytes(), (self.folder / "one/model.safetensors").read_bytes())

    def test_a_folder_that_cannot_be_made_is_no_loss(self):
        process = self.launch("--ranks", 2, "--max-restarts", 3, "--", "train", "text.txt", *SMALL, "--out", "/proc/run")
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, IO)
        self.assertNotIn(b"restart", err)

    def test_bad_flags(self):
        self.assertIn("only train", self.complaint(USAGE, "launch", "--", "generate", "run"))
        self.assertIn("--out DIR", self.complaint(USAGE, "launch", "--max-restarts", "1", "--", "train", "text.txt"))
        self.assertIn("for train", self.complaint(USAGE, "launch", "--max-restarts", "1", "--", "bench", "--distributed"))
        self.assertIn("bench --distributed", self.complaint(USAGE, "launch", "--", "bench"))
        self.assertIn("name a file", self.complaint(USAGE, "launch", "--", "train", "-"))
        self.assertIn("--hiden", self.complaint(USAGE, "launch", "--", "train", "text.txt", "--hiden", "8"))
        self.assertIn("1024", self.complaint(USAGE, "launch", "--ranks", "1025", "--", "train", "text.txt"))

    def test_a_host_is_no_option_of_mpirun(self):
        for name in ("--oversubscribe", "one,two", "one:3", "a\0b", "k\u00f6ln", "a\x7f"):
            self.write("hosts", f"# hosts\n{name} slots=2\n")
            said = self.complaint(BAD_DATA, "launch", "--hosts", "hosts", "--", "train", "text.txt")
            shown = name.replace("\0", "\\x00").replace("\x7f", "\\x7f")
            self.assertIn(f"hosts: line 2: '{shown}' is no name of a host", said)

    def test_a_byte_order_mark_is_no_part_of_a_host(self):
        self.write("hosts", "\ufeff[::1] slots=2\none slots=0\n")
        said = self.complaint(BAD_DATA, "launch", "--hosts", "hosts", "--", "train", "text.txt")
        self.assertIn("hosts: line 2: 'slots=0' is not slots=N", said)


if __name__ == "__main__":
    unittest.main()
