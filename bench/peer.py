"""Other frameworks as servers: see peers/server.py for what they are asked and answer."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from programs import held_to, stop


def peers_python(here):
    """The Python with the frameworks, or None."""
    named = os.environ.get("UNROLL_PEERS")
    python = Path(named or here / "peers" / ".venv") / "bin" / "python"
    if python.exists():
        return python
    if named:
        stop(f"UNROLL_PEERS={named}: there is no bin/python in it; name a virtual environment")
    return None


class Peer:
    def __init__(self, process, version, messages):
        self.process, self.version, self.messages, self.ended = process, version, messages, False

    @staticmethod
    def start(python, folder, command, threads):
        """None where the framework is not there."""
        messages = tempfile.TemporaryFile("w+")
        process = subprocess.Popen([str(python), "-B", *command], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=messages, text=True, **held_to(threads))
        line = process.stdout.readline()
        return Peer(process, json.loads(line)["version"], messages) if line else None

    def ask(self, what, model):
        """{"seconds": ..} or {"skipped": why}."""
        line = ""
        if self.process.poll() is None:
            self.process.stdin.write(json.dumps({"what": what, "model": model}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            self.report_end()
            return {"skipped": "it has ended"}
        return json.loads(line)

    def report_end(self):
        """Once, with the last line of its standard error, which says why."""
        if self.ended:
            return
        self.ended = True
        self.messages.seek(0)
        last = ([line.strip() for line in self.messages if line.strip()] or ["it printed no reason"])[-1]
        print(f"{self.version} has ended with {self.process.wait()}: {last}; the rest is measured without it", file=sys.stderr)

    def end(self):
        self.process.stdin.close()
        self.process.wait()
