#!/usr/bin/env python3
"""Seconds that BLASter (PyPI blaster-python) takes to LLL-reduce a basis: a file of n*n int64, one vector after another.

Called by bench_lll; example: python bench/blaster.py basis.i64 0.99 2
"""
import sys
import time

import blaster
import numpy

basis = numpy.fromfile(sys.argv[1], dtype=numpy.int64)
n = round(len(basis) ** 0.5)
columns = numpy.ascontiguousarray(basis.reshape(n, n).T)
delta, cores = float(sys.argv[2]), int(sys.argv[3])
start = time.perf_counter()
transform, reduced, _ = blaster.reduce(columns, delta=delta, cores=cores)
seconds = time.perf_counter() - start
upper = numpy.abs(numpy.diag(numpy.linalg.qr(reduced.astype(float), mode="r"))) ** 2
print(seconds, upper.mean() / numpy.exp(numpy.log(upper).mean()))
