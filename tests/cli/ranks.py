"""Starts the program as several ranks with mpirun."""

import os
import shutil
import subprocess
from pathlib import Path

from support import PROGRAM, ProgramTest

MPIRUN = shutil.which("mpirun")
HAS_MPI = MPIRUN is not None and (Path(PROGRAM).parent / "unroll_mpi.so").exists()

# Allows root and more ranks than cores, and does not bind ranks to cores. hwloc's plugin for OpenCL may load LLVM, which
# replaces the signal handlers of mpirun.
ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
               "HWLOC_COMPONENTS": "-opencl"}

TEXT = "the cat sat on the mat, and the dog lay in the fog. " * 30
SMALL = ["--hidden", "8", "--batch", "8", "--steps", "5", "--epochs", "4", "--gradient-slices", "4"]  # 38 updates an epoch


def is_alive(process):
    """True if the process runs; false if it has ended, even as a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(process):
    return [int(child) for child in subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout.split()]


class RanksTest(ProgramTest):
    def ranks_command(self, ranks, *arguments):
        return [MPIRUN, "-q", "-n", str(ranks), PROGRAM, *map(str, arguments)]

    def run_ranks(self, ranks, *arguments, **environment):
        result = subprocess.run(self.ranks_command(ranks, *arguments), cwd=self.folder, capture_output=True, timeout=100,
                                env={**ENVIRONMENT, **environment}, stdin=subprocess.DEVNULL)
        result.err, result.out = result.stderr.decode(), result.stdout.decode()
        return result

    def ranks_succeed(self, ranks, *arguments, **environment):
        result = self.run_ranks(ranks, *arguments, **environment)
        self.assertEqual(result.returncode, 0, result.err)
        return result

    def ranks_complain(self, code, ranks, *arguments, **environment):
        """The single error line of all ranks together."""
        result = self.run_ranks(ranks, *arguments, **environment)
        self.assertEqual(result.returncode, code, result.err)
        lines = [line for line in result.err.splitlines() if line.startswith("unroll: ")]
        self.assertEqual(len(lines), 1, result.err)
        return lines[0]
