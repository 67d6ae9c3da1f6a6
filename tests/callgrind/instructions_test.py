"""The comparison of instruction counts must be able to fail."""

import unittest

from instructions import complaints


class ComplaintsTest(unittest.TestCase):
    def test_within_two_per_cent(self):
        self.assertEqual(complaints({"rnn": 1000, "gru": 1000}, {"rnn": 1020, "gru": 980}), [])

    def test_more_and_fewer(self):
        more, fewer = complaints({"rnn": 1000, "gru": 1000, "lstm": 10}, {"rnn": 1021, "gru": 979, "lstm": 10})
        self.assertIn("rnn: 1,021 instructions, +2.1%", more)
        self.assertIn("gru: 979 instructions, -2.1%", fewer)


if __name__ == "__main__":
    unittest.main()
