"""Runs torch_reads_model.py within this process: importing PyTorch takes seconds, and checks run it thirty times."""
import contextlib
import io

import torch_reads_model


def read(*words):
    """Exit status, standard output and standard error of the script with these arguments."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            status = torch_reads_model.main([str(word) for word in words])
        except SystemExit as left:
            status = left.code
    return status, out.getvalue(), err.getvalue()
