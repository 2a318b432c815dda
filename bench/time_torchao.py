#!/usr/bin/env python3
"""Median seconds that torchao (PyPI) takes to encode to MXFP4 and to quantize and decode ROWS x 1024 normal numbers.

Called by bench_packed_product; example: python bench/time_torchao.py 8192 2
"""
import sys
import time

import torch
from torchao.prototype.mx_formats.config import ScaleCalculationMode
from torchao.prototype.mx_formats.mx_tensor import to_dtype, to_mx

rows, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)
x = torch.randn(rows, 1024)
element = torch.float4_e2m1fn_x2


def encode():
    return to_mx(x, element, 32, ScaleCalculationMode.FLOOR)


def quantize():
    scale, data = encode()
    return to_dtype(data, scale, element, 32, torch.float32)


def median(work):
    work()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[2]


print(median(encode), median(quantize))
