#!/usr/bin/env python3
"""Median seconds that transformers takes to predict windows of tokens in fp32, the input of every linear but the head
quantized to MXFP4 and decoded by torchao (both PyPI); and the perplexity.

Called by bench_packed_forward; FOLDER holds dequantized weights. Example: python bench/time_transformers.py plain/ ids.txt 512 2
"""
import math
import sys
import time

import torch
from torchao.prototype.mx_formats.config import ScaleCalculationMode
from torchao.prototype.mx_formats.mx_tensor import to_dtype, to_mx
from transformers import AutoModelForCausalLM

folder, ids_file, window, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
ids = torch.tensor([int(word) for word in open(ids_file, encoding="utf-8").read().split()]).view(-1, window)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
element = torch.float4_e2m1fn_x2


def quantized(module, inputs):
    scale, data = to_mx(inputs[0].contiguous(), element, 32, ScaleCalculationMode.FLOOR)
    return (to_dtype(data, scale, element, 32, torch.float32),)


for name, module in model.named_modules():
    if isinstance(module, torch.nn.Linear) and name != "lm_head":
        module.register_forward_pre_hook(quantized)


def evaluate():
    losses = []
    for row in ids:
        logits = model(row.unsqueeze(0), use_cache=False).logits[0, :-1]
        losses.append(torch.nn.functional.cross_entropy(logits, row[1:]).item())
    return math.exp(sum(losses) / len(losses))


with torch.inference_mode():
    perplexity = evaluate()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        evaluate()
        seconds.append(time.perf_counter() - start)
print(sorted(seconds)[1], perplexity)
