"""Three hosts on one machine: network namespaces, each with its own host name and processes, joined by a switch."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

NETWORK = "10.77.0"
COUNT = 3


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def allowed(**network):
    """True if this process may create such hosts. Leaves nothing behind."""
    try:
        with Hosts(**network):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


class Hosts:
    def __init__(self, rate=None, delay=None, loss=None):
        """`rate`: bandwidth of each host's link, such as 100mbit. `delay`: delay of the last host's link in seconds.
        `loss`: number of frames per 1000 that the switch drops."""
        self.names = [f"unroll{os.getpid()}-{number}" for number in range(1, COUNT + 1)]
        self.switch = f"unroll{os.getpid()}-s"
        self.rate, self.delay, self.loss = rate, delay, loss
        self.relays = []
        self.folder = tempfile.TemporaryDirectory(prefix="unroll-hosts-")

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def make(self):
        run("ip", "netns", "add", self.switch)
        run("ip", "-n", self.switch, "link", "add", "switch0", "type", "bridge")
        run("ip", "-n", self.switch, "link", "set", "switch0", "up")
        if self.loss:
            nft = ["ip", "netns", "exec", self.switch, "nft"]
            run(*nft, "add table bridge lossy")
            run(*nft, "add chain bridge lossy ways { type filter hook forward priority 0; }")
            run(*nft, f"add rule bridge lossy ways numgen random mod 1000 < {self.loss} drop")
        for number, name in enumerate(self.names, 1):
            run("ip", "netns", "add", name)
            if self.delay and number == COUNT:
                self.relay(name, f"to{number}")
            else:
                run("ip", "-n", name, "link", "add", "lan0", "type", "veth", "peer", "name", f"to{number}", "netns", self.switch)
            run("ip", "-n", self.switch, "link", "set", f"to{number}", "master", "switch0", "up")
            run("ip", "-n", name, "address", "add", f"{NETWORK}.{number}/24", "dev", "lan0")
            for device in ("lan0", "lo"):
                run("ip", "-n", name, "link", "set", device, "up")
            if self.rate:
                run("tc", "-n", name, "qdisc", "add", "dev", "lan0", "root", "tbf", "rate", self.rate, "burst", "64kb", "latency", "50ms")
        self.agent = Path(self.folder.name) / "agent"
        # mpirun calls this instead of ssh: agent ADDRESS COMMAND..
        self.agent.write_text(f"""#!/bin/sh
number=${{1##*.}}
shift
exec setsid --wait ip netns exec unroll{os.getpid()}-$number unshare --uts --pid --fork --mount-proc \\
  sh -c 'hostname host'$number'; exec '"$*"
""")
        self.agent.chmod(0o755)
        self.file = Path(self.folder.name) / "hosts"
        self.file.write_text("".join(f"{NETWORK}.{number} slots=1\n" for number in range(1, COUNT + 1)))

    def relay(self, name, port):
        """Connects the host to the switch by a link with delay, instead of a veth pair."""
        relay = subprocess.Popen([sys.executable, Path(__file__).parent / "relay.py", str(self.delay), name, "lan0", self.switch, port],
                                 stdout=subprocess.PIPE)
        self.relays.append(relay)
        if relay.stdout.readline() != b"ready\n":
            raise OSError("no relay")

    def __exit__(self, *_):
        for relay in self.relays:
            relay.kill()
            relay.wait()
            relay.stdout.close()
        for number in range(1, COUNT + 1):
            self.signal(number, signal.SIGKILL)
        self.folder.cleanup()
        for name in [*self.names, self.switch]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def environment(self):
        return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_plm_rsh_agent": str(self.agent), "OMPI_MCA_hwloc_base_binding_policy": "none",
                # Hosts of another test may have the same names and process ids.
                "TMPDIR": self.folder.name,
                # Processes communicate over this network only.
                "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "tcp,self",
                "OMPI_MCA_btl_tcp_if_include": f"{NETWORK}.0/24", "OMPI_MCA_oob_tcp_if_include": f"{NETWORK}.0/24"}

    def command(self, *words):
        """The command line that runs the given command on the first host."""
        return [str(self.agent), f"{NETWORK}.1", " ".join(map(str, words))]

    def processes(self, number):
        result = subprocess.run(["ip", "netns", "pids", self.names[number - 1]], capture_output=True, text=True)
        return [int(process) for process in result.stdout.split()]

    def signal(self, number, what):
        for process in self.processes(number):
            try:
                os.kill(process, what)
            except ProcessLookupError:
                pass

    def plug(self, number, state):
        """`down` disconnects the host from the network, `up` reconnects it."""
        run("ip", "-n", self.switch, "link", "set", f"to{number}", state)
