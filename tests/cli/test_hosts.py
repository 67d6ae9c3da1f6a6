"""Training on three hosts, one of which is killed, frozen or cut off. UNROLL_FAILURES is the number of failures of each kind in the
good network; UNROLL_SEED determines their moments. Skipped if this process may not create network namespaces."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import hosts
from ranks import HAS_MPI, RanksTest
from support import PROGRAM, RANK_LOST

TEXT = "the cat sat on the mat, and the dog lay in the fog. " * 100
TRAIN = ["train", "text.txt", "--hidden", "24", "--layers", "2", "--dropout", "0.2", "--batch", "6", "--steps", "9",
         "--gradient-slices", "3", "--threads", "1", "--checkpoint-every", "10"]
SEED = int(os.environ.get("UNROLL_SEED", time.time_ns() % 1_000_000))
WITHIN = 10  # seconds


class NetworkTest(RanksTest):
    NETWORK = {}
    FAILURES = 1

    def setUp(self):
        super().setUp()
        self.write("text.txt", TEXT)
        self.hosts = self.enterContext(hosts.Hosts(**self.NETWORK))
        self.random = random.Random(SEED)

    def launch(self, *arguments, launching=()):
        command = self.hosts.command(PROGRAM, "launch", "--hosts", self.hosts.file, "--ranks", 3, *launching, "--", *arguments)
        process = subprocess.Popen(command, cwd=self.folder, env=self.hosts.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        return process

    def wait_for_steps(self, process):
        said = []
        for line in process.stderr:
            said.append(line.decode())
            if said[-1].startswith("epoch 0"):
                return time.sleep(1 + 3 * self.random.random())
        self.fail("".join(said))

    def wait_until_empty(self, numbers, said):
        began = time.monotonic()
        while any(self.hosts.processes(number) for number in numbers):
            self.assertLess(time.monotonic() - began, WITHIN, f"{said()} seed {SEED}")
            time.sleep(0.05)
        return time.monotonic() - began

    def expect_end(self, process, reachable, last):
        """All processes end: on the reachable hosts, with one error line, and on the `last` host once it is back."""
        seconds = self.wait_until_empty(reachable, lambda: "processes are left on a reachable host")
        number, bring_back = last
        bring_back()
        self.wait_until_empty([number], lambda: "processes are left on a host that is back")
        said = process.stderr.read().decode()
        self.assertEqual(process.wait(), RANK_LOST, said)
        self.assertEqual(sum(line.startswith("unroll: ") for line in said.splitlines()), 1, said)
        print(f"{self.id().split('.')[-1]}: over after {seconds:.1f} s", file=sys.stderr)

    def lose(self, fail, reachable, last):
        """After the failure, a run resumed from the last checkpoint gives the model of a single process."""
        self.succeed(*TRAIN, "--epochs", "40", "--out", "one")
        for _ in range(self.FAILURES):
            process = self.launch(*TRAIN, "--epochs", "40", "--out", "run", "--overwrite")
            self.wait_for_steps(process)
            fail()
            self.expect_end(process, reachable, last)
            self.succeed("train", "--resume", "run")
            self.assertEqual(self.model("run"), self.model("one"), f"seed {SEED}")

    def model(self, run):
        return (self.folder / run / "model.safetensors").read_bytes()

    def expect_the_model_of_one_process(self):
        process = self.launch(*TRAIN, "--epochs", "2", "--out", "three")
        out, err = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 0, err)
        self.succeed(*TRAIN, "--epochs", "2", "--out", "one")
        self.assertEqual(self.model("three"), self.model("one"))


@unittest.skipUnless(HAS_MPI, "neither mpirun nor the plugin for it")
@unittest.skipUnless(hosts.allowed(), "no right to make network namespaces")
class HostsTest(NetworkTest):
    NETWORK = {"rate": "100mbit"}
    FAILURES = int(os.environ.get("UNROLL_FAILURES", "1"))

    def test_three_hosts_make_the_model_of_one_process(self):
        self.expect_the_model_of_one_process()

    def test_those_that_are_left_go_on(self):
        self.succeed(*TRAIN, "--epochs", "40", "--out", "one")
        process = self.launch(*TRAIN, "--epochs", "40", "--out", "run", launching=["--max-restarts", 1])
        self.wait_for_steps(process)
        self.hosts.plug(3, "down")
        self.hosts.signal(3, signal.SIGKILL)
        out, err = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("restart   1 of 1, with 2 ranks", err.decode())
        self.assertEqual(self.model("run"), self.model("one"))

    def test_ctrl_c_reaches_a_first_rank_on_another_host(self):
        self.hosts.file.write_text("".join(reversed(self.hosts.file.read_text().splitlines(keepends=True))))
        process = self.launch(*TRAIN, "--epochs", "100000", "--out", "run")
        self.wait_for_steps(process)
        (launch,) = [number for number in self.hosts.processes(1)
                     if Path(f"/proc/{number}/cmdline").read_bytes().startswith(f"{PROGRAM}\0launch".encode())]
        os.kill(launch, signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=100)
        self.assertLess(time.monotonic() - began, 5, err)
        self.assertEqual(process.returncode, 128 + signal.SIGINT, err)
        self.assertIn("stopped   by Ctrl-C after update", err.decode())

    def test_a_host_is_killed(self):
        self.lose(lambda: self.hosts.signal(3, signal.SIGKILL), [1, 2, 3], (3, lambda: None))

    def test_a_host_is_frozen(self):
        self.lose(lambda: self.hosts.signal(2, signal.SIGSTOP), [1, 3], (2, lambda: self.hosts.signal(2, signal.SIGCONT)))

    def test_a_host_is_cut_off(self):
        self.lose(lambda: self.hosts.plug(3, "down"), [1, 2], (3, lambda: self.hosts.plug(3, "up")))


BAD_NETWORK = {"rate": "20mbit", "delay": 0.01, "loss": 5}


@unittest.skipUnless(HAS_MPI, "neither mpirun nor the plugin for it")
@unittest.skipUnless(hosts.allowed(**BAD_NETWORK), "no right to make network namespaces, or no nftables or TUN")
class BadNetworkTest(NetworkTest):
    """Low bandwidth, a link with delay, and lost frames."""
    NETWORK = BAD_NETWORK

    def test_three_hosts_make_the_model_of_one_process(self):
        self.expect_the_model_of_one_process()

    def test_a_host_is_frozen(self):
        self.lose(lambda: self.hosts.signal(2, signal.SIGSTOP), [1, 3], (2, lambda: self.hosts.signal(2, signal.SIGCONT)))

    def test_its_latency_is_measured(self):
        process = self.launch("bench", "--distributed", "--only", "training/rnn-256", "--repeats", "1", "--json")
        out, err = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 0, err)
        self.assertGreater(json.loads(out)["latency"], BAD_NETWORK["delay"])


if __name__ == "__main__":
    unittest.main()
