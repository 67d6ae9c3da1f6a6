"""Runs the built program for the tests in this folder. The environment variable UNROLL_PROGRAM names it; the build sets it."""

import ctypes
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

# Ignored in the background of a script or under nohup, and the tested programs would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

PROGRAM = os.environ["UNROLL_PROGRAM"]
SOURCE = Path(__file__).resolve().parents[2]
LYRICS = SOURCE / "data" / "lyrics.txt"

USAGE, BAD_DATA, NO_INPUT, INTERNAL, IO, DIVERGED, RANK_LOST = 2, 65, 66, 70, 74, 75, 76

# A training that takes a fraction of a second.
TINY = ["--hidden", "8", "--batch", "2", "--steps", "5", "--epochs", "2"]


class ProgramTest(unittest.TestCase):
    """Each test runs in an empty folder of its own."""

    seconds_allowed = 100  # for each start of the program

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="unroll-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_program(self, *arguments, stdin=None, **options):
        result = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, capture_output="stdout" not in options,
                                input=stdin, timeout=self.seconds_allowed, **options)
        result.err = (result.stderr or b"").decode("utf-8")
        result.out = (result.stdout or b"").decode("utf-8")
        return result

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.err)
        return result

    def complaint(self, code, *arguments, **options):
        """The single line on stderr of a command that fails before it prints anything else."""
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, code, result.err + result.out)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.err.splitlines()), 1, result.err)
        self.assertTrue(result.err.startswith("unroll: "), result.err)
        self.assertTrue(result.err.endswith("\n"))
        return result.err

    def complaint_underway(self, code, *arguments, **options):
        """The last line on stderr, the only error message, of a command that fails after it has started to report."""
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.returncode, code, result.err)
        self.assertEqual(result.out, "")
        lines = result.err.splitlines()
        self.assertEqual([line for line in lines if line.startswith("unroll: ")], lines[-1:], result.err)
        return lines[-1]

    def write(self, name, content):
        data = content if isinstance(content, bytes) else content.encode("utf-8")
        path = self.folder / name
        path.write_bytes(data)
        return path

    def files(self, pattern="*"):
        """Sorted relative paths of everything in the test's folder that matches the pattern."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob(pattern))

    def log(self, run):
        """The events in a run directory's log.jsonl."""
        lines = (self.folder / run / "log.jsonl").read_text("utf-8").splitlines(keepends=True)
        self.assertTrue(all(line.endswith("\n") for line in lines))
        return [json.loads(line) for line in lines]

    def write_log(self, run, *events, end="\n"):
        """A log.jsonl in a new run directory."""
        folder = self.folder / run
        folder.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps({"event": name, "time": "2026-01-02T03:04:05.678Z", **fields}) for name, fields in events]
        (folder / "log.jsonl").write_text("\n".join(lines) + end, "utf-8")

    def tiny_model(self, text="the cat sat on the mat. " * 20, *flags):
        self.write("text.txt", text)
        self.succeed("train", "text.txt", *TINY, "--out", "model", *flags)
        return self.folder / "model" / "model.safetensors"


def model_contents(path):
    """(configuration, symbols, {name: (shape, values)}) of a model file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin:8 + length + end]
        tensors[name] = (entry["shape"], struct.unpack(f"<{len(raw) // 4}f", raw))
    return metadata, tensors


def with_checksum(data):
    """The bytes of a model file with the correct checksum, as docs/model-file.md defines it."""
    xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    xxh3.restype, xxh3.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    blank = data[:33] + b"0" * 16 + data[49:]
    return data[:33] + b"%016x" % xxh3(blank, len(blank)) + data[49:]


def with_zero_weights(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return with_checksum(data[:8 + length] + bytes(len(data) - 8 - length))


class PlainRnn:
    """A one-layer tanh network with one-hot input, in plain Python, a reference for the program."""

    def __init__(self, path, vocabulary):
        _, tensors = model_contents(path)
        self.vocabulary = vocabulary
        self.index = {symbol: i for i, symbol in enumerate(vocabulary)}
        self.w_ih, self.w_hh, self.w_out = (self.rows(tensors[name]) for name in
                                            ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "decoder.weight"))
        b_ih, b_hh, self.b_out = (tensors[name][1] for name in ("rnn.bias_ih_l0", "rnn.bias_hh_l0", "decoder.bias"))
        self.bias = [a + b for a, b in zip(b_ih, b_hh)]
        self.h = [0.0] * len(self.bias)

    @staticmethod
    def rows(tensor):
        (rows, columns), values = tensor
        return [values[r * columns:(r + 1) * columns] for r in range(rows)]

    def step(self, symbol):
        """Log-probabilities of the next symbol."""
        i = self.index[symbol]
        self.h = [math.tanh(w_ih[i] + b + sum(w * h for w, h in zip(w_hh, self.h)))
                  for w_ih, w_hh, b in zip(self.w_ih, self.w_hh, self.bias)]
        logits = [b + sum(w * h for w, h in zip(row, self.h)) for row, b in zip(self.w_out, self.b_out)]
        top = max(logits)
        log_sum = top + math.log(sum(math.exp(x - top) for x in logits))
        return [x - log_sum for x in logits]


START = ("start", {"cell": "gru", "hidden": 256, "layers": 2, "parameters": 1907844, "epochs": 4, "steps_per_epoch": 10})


def report(step, perplexity):
    """An event for write_log(), of a run that began with START."""
    return "report", {"epoch": -(-step // 10), "step": step, "loss": math.log(perplexity), "perplexity": perplexity}


def validation(step, perplexity):
    return "validation", {"epoch": step // 10, "step": step, "perplexity": perplexity}


def limit_file_size(size):
    """For preexec_fn: writing beyond `size` bytes fails, as on a full disk."""
    def limit():
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit
