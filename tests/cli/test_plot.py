"""Learning curves of several runs in one picture."""

import shutil
import unittest
import xml.etree.ElementTree

from support import BAD_DATA, IO, NO_INPUT, START, USAGE, ProgramTest, report, validation

SVG = "{http://www.w3.org/2000/svg}"


def shown(picture):
    """The texts of an SVG picture, in order."""
    return ["".join(text.itertext()).strip() for text in xml.etree.ElementTree.fromstring(picture).iter(SVG + "text")]


class PlotTest(ProgramTest):
    def test_without_gnuplot(self):
        self.write_log("run", START, report(10, 9.5))
        line = self.complaint(IO, "plot", "run", env={"PATH": "/nowhere"})
        self.assertIn("gnuplot-nox", line)
        self.assertEqual(self.files("*.svg*"), [])

    def test_refusals(self):
        self.write_log("run", START, report(10, 9.5))
        self.assertIn("nowhere", self.complaint(NO_INPUT, "plot", "run", "nowhere"))
        self.assertIn(".svg", self.complaint(USAGE, "plot", "run", "-o", "curve.png"))
        self.assertIn("RUN", self.complaint(USAGE, "plot"))
        self.write_log("new", START)
        self.assertIn("new: ", self.complaint(BAD_DATA, "plot", "run", "new"))
        for reason, what in (("diverged", "diverged before its first report; lower"), ("failed", "failed before its first report; resume")):
            self.write_log("ended", START, ("stop", {"reason": reason}))
            self.assertIn(what, self.complaint(BAD_DATA, "plot", "ended"))
        self.write_log("table", ("start", {"model": "linear", "metric": "mae", "folds": 2}))
        self.assertIn("unroll table explain", self.complaint(BAD_DATA, "plot", "table"))
        self.write("run/log.jsonl", "{}\n")
        self.assertIn("log.jsonl: line 1", self.complaint(BAD_DATA, "plot", "run"))
        self.write_log("run", report(10, 9.5))
        self.assertIn("start", self.complaint(BAD_DATA, "plot", "run"))


@unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
class PictureTest(ProgramTest):
    def picture(self, *arguments):
        return self.succeed("plot", *arguments, "-o", "-").out

    def test_single_run(self):
        self.write_log("run", START, report(10, 90), validation(10, 120), report(20, 9), validation(20, 30))
        self.assertEqual(self.succeed("plot", "run/").out, "picture plot.svg\n")
        texts = shown((self.folder / "plot.svg").read_text("utf-8"))
        for text in ("run", "training", "validation", "epoch", "10", "100"):
            self.assertIn(text, texts)

    def test_names_are_shown_as_they_are_and_never_obeyed(self):
        names = ["歌词/分开", "it's", "a_b^2 {x}", "`touch pwned`", '"`touch pwned`"', "$(touch pwned)", "<b>&amp;", "$curve0",
                 "'; system 'touch pwned'; #", "''", "@GPVAL_VERSION", "two\nlines", "back\\slash",
                 "rate-0.05,1"]
        for name in names:
            self.write_log(name, START, report(10, 90), report(20, 9))
        texts = shown(self.picture(*names, "--config", self.write("empty.toml", "")))
        for name in names:
            self.assertIn(name.replace("\n", "\\n"), texts)
        self.assertEqual(self.files("pwned*"), [])

    def test_start_up_files_are_not_read(self):
        self.write_log("run", START, report(10, 90), report(20, 9))
        self.write(".gnuplot", "this is no command\n")
        self.succeed("plot", "run", env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})

    def test_what_was_undone_is_not_drawn(self):
        """The curve after a rollback is that of a run without it."""
        self.write_log("plain", START, report(10, 90), report(20, 9))
        self.write_log("back", START, report(10, 90), report(20, 10), validation(20, 10), report(30, 99),
                       ("rollback", {"epoch": 1, "step": 10}), report(20, 9))
        self.write_log("resumed", START, report(10, 90), report(20, 10), ("resume", {"epoch": 1, "step": 10}), report(20, 9))
        plain = self.picture("plain")
        self.assertEqual(self.picture("back").replace("back", "plain"), plain)
        self.assertEqual(self.picture("resumed").replace("resumed", "plain"), plain)
        # A checkpoint that was written before the reports of its step.
        self.write_log("again", START, report(10, 91), ("rollback", {"epoch": 1, "step": 10}), report(10, 90), report(20, 9))
        self.assertEqual(self.picture("again").replace("again", "plain"), plain)

    def test_numbers_that_cannot_be_drawn_are_left_out(self):
        odd = [("report", {"step": 11 + i, "perplexity": value}) for i, value in enumerate(("inf", "nan", None, [], -1, 0))]
        self.write_log("odd", START, report(10, 90), *odd, report(20, 9))
        self.write_log("even", START, report(10, 90), report(20, 9))
        self.assertEqual(self.picture("odd").replace("odd", "even"), self.picture("even"))
        self.assertIn("warning   odd: 6 points without a finite perplexity above 0 not drawn", self.succeed("plot", "odd").err)
        self.assertEqual(self.succeed("plot", "even").err, "")
        self.write_log("only", START, *odd)
        self.assertIn("no positive numbers", self.complaint(BAD_DATA, "plot", "only"))

    def test_an_explosion_is_said(self):
        """Also in logs of versions that did not detect it."""
        start = ("start", {**START[1], "vocabulary": 28})
        self.write_log("run", start, report(10, 5), report(20, 3.8e45), ("stop", {"reason": "finished"}))
        self.assertIn("run: the loss exploded: perplexity 3.800e+45 after update 20, among 28 symbols", self.succeed("plot", "run").err)
        self.write_log("less", start, report(10, 5), report(20, 140))
        self.assertEqual(self.succeed("plot", "less").err, "")
        self.write_log("none", start, ("rollback", {"epoch": 1, "step": 0, "what": "epoch 1, step 20: the mean loss is 63"}),
                       ("stop", {"reason": "diverged"}))
        self.assertIn("training diverged in epoch 1, step 20: the mean loss is 63; lower", self.complaint(BAD_DATA, "plot", "none"))

    def test_ticks_whatever_the_range(self):
        """The axis has enough labels to be readable, but not too many."""
        for low, high in ((1.001, 1.002), (1, 1), (5, 9), (2, 700), (1.5, 1e9), (1e300, 1e305), (2, 1.7e308), (1e-308, 1)):
            with self.subTest(low=low, high=high):
                self.write_log("run", START, report(10, high), report(20, low))
                picture = xml.etree.ElementTree.fromstring(self.picture("run"))
                beside = [shown for shown in picture.iter(SVG + "g") if shown.get("text-anchor") == "end"]
                self.assertIn(len(beside), range(3, 16))

    def test_long_curves_are_thinned(self):
        self.write_log("run", ("start", {"epochs": 99999, "steps_per_epoch": 1}),
                       *[("report", {"step": i, "perplexity": 1 + 100 / i}) for i in range(1, 20001)])
        self.assertLess(len(self.picture("run")), 100_000)


if __name__ == "__main__":
    unittest.main()
