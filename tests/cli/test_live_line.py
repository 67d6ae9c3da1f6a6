"""Progress on a terminal: one line that is updated in place, whatever the window's width."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
import unittest

from support import PROGRAM, ProgramTest

FLAGS = ["train", "text.txt", "--hidden", "128", "--epochs", "2", "--batch", "1", "--steps", "10", "--overwrite"]
CLEAR = "\r\x1b[K"


class LiveLineTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("text.txt", "the cat sat on the mat. " * 500)

    def on_terminal(self, columns, **environment):
        """The program's standard error if that is a terminal, and its run time in seconds."""
        try:
            master, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminal to be had: {error}")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        start = time.perf_counter()
        with subprocess.Popen([PROGRAM, *FLAGS], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=terminal,
                              env={**os.environ, "TERM": "xterm", **environment}) as process:
            os.close(terminal)
            seen = b""
            while True:
                try:
                    part = os.read(master, 4096)
                except OSError:
                    break
                if not part:
                    break
                seen += part
            self.assertEqual(process.wait(timeout=100), 0)
        os.close(master)
        return seen.decode("utf-8"), time.perf_counter() - start

    def updates(self, seen):
        """The successive texts of the live line."""
        return [part for part in re.findall(r"\r\x1b\[K(epoch [^\r\n]*)(?=\r\x1b)", seen) if "perplexity" not in part.split(",")[0]]

    def test_widths(self):
        number = r"[\d.,]+"
        expected = {
            200: rf"epoch 1 of 2, step \d+ of 1199, loss {number}, perplexity {number}, gradient norm {number}, "
                 rf"{number} symbols/s, \d+ s gone, \d+ s left",
            80: rf"epoch 1/2, step \d+/1199, loss {number}, ppl {number}, (norm {number}, )?{number}/s, (\d+ s gone, )?\d+ s left",
            40: rf"epoch 1/2, (step \d+/1199, )?ppl {number}, \d+ s left",
            20: r"epoch 1 of 2|epoch 1/2, ppl [\d.]{1,4}",
            5: "epoc",
        }
        for columns, pattern in expected.items():
            with self.subTest(columns=columns):
                seen, seconds = self.on_terminal(columns)
                updates = self.updates(seen) if columns > 5 else re.findall(r"\r\x1b\[K(epoc)(?=\r)", seen)
                self.assertGreater(len(updates), 0, seen)
                self.assertLessEqual(len(updates), 1 + 10 * seconds)
                self.assertRegex(updates[0], f"^({pattern})$")
                self.assertLess(max(map(len, updates)), columns)
                # The live line is removed completely before permanent lines and at the end.
                self.assertRegex(seen, r"\r\x1b\[Kepoch 1 perplexity")
                last_lines = seen.split(CLEAR)[-1]
                self.assertTrue(last_lines.endswith("\n"), last_lines)
                self.assertNotIn("left", last_lines)

    def test_no_colours(self):
        seen, _ = self.on_terminal(80, NO_COLOR="1")
        self.assertEqual(set(re.findall(r"\x1b\[[\d;]*[a-zA-Z]", seen)), {"\x1b[K"})

    def test_terminals_that_obey_no_escapes_get_plain_lines(self):
        for term in ("dumb", ""):
            seen, _ = self.on_terminal(80, TERM=term)
            self.assertNotIn("\x1b", seen)
            self.assertIn("epoch 2 perplexity", seen)

    def test_elsewhere_plain_lines(self):
        self.assertNotIn("\x1b", self.succeed(*FLAGS).err)


if __name__ == "__main__":
    unittest.main()
