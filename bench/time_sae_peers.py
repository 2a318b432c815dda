"""Training steps of the released sae-lens and eai-sparsify on a file of batches: prints a line a peer,
NAME SECONDS FVU: the median second a step takes and the share of the last batch's variance that the
trained autoencoder leaves. Called by bench_sae_step, which made the file.

usage: time_sae_peers.py BATCHES.safetensors K RATE THREADS
The file has x [steps, B, d], encoder [n, d], decoder [n, d], bias [d]: what all start from.
"""
import contextlib
import os
import statistics
import sys
import time

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # its way to run without a GPU; read when it is imported

import torch
from safetensors.torch import load_file


def fvu(reconstruction, x):
    return ((x - reconstruction).square().sum() / (x - x.mean(0)).square().sum()).item()


def timed(step, batches):
    seconds = []
    for x in batches:
        start = time.perf_counter()
        step(x)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def sae_lens(data, k, rate, sparse):
    from sae_lens.config import LoggingConfig, SAETrainerConfig
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.training.sae_trainer import SAETrainer

    steps, batch, width = data["x"].shape
    config = TopKTrainingSAEConfig(d_in=width, d_sae=data["encoder"].shape[0], k=k, device="cpu", use_sparse_activations=sparse)
    sae = TopKTrainingSAE(config)
    with torch.no_grad():
        sae.W_enc.copy_(data["encoder"].T)
        sae.W_dec.copy_(data["decoder"])
        sae.b_enc.zero_()
        sae.b_dec.copy_(data["bias"])
    settings = SAETrainerConfig(
        total_training_samples=steps * batch, train_batch_size_samples=batch, lr=rate, lr_end=rate, logger=LoggingConfig(log_to_wandb=False)
    )
    trainer = SAETrainer(settings, sae, iter(()))
    seconds = timed(lambda x: trainer._train_step(sae, x), data["x"])
    with torch.no_grad():
        return seconds, fvu(sae(data["x"][-1]), data["x"][-1])


def sparsify(data, k, rate):
    from sparsify.config import SparseCoderConfig
    from sparsify.sparse_coder import SparseCoder

    width = data["x"].shape[2]
    sae = SparseCoder(width, SparseCoderConfig(num_latents=data["encoder"].shape[0], k=k))
    with torch.no_grad():
        sae.encoder.weight.copy_(data["encoder"])
        sae.encoder.bias.zero_()
        sae.W_dec.copy_(data["decoder"])
        sae.b_dec.copy_(data["bias"])
    adam = torch.optim.Adam(sae.parameters(), lr=rate)

    def step(x):  # what its trainer does for each batch
        sae.set_decoder_norm_to_unit_norm()
        sae(x, dead_mask=None).fvu.backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        adam.step()
        adam.zero_grad()

    seconds = timed(step, data["x"])
    with torch.no_grad():
        return seconds, sae(data["x"][-1]).fvu.item()


def main():
    path, k, rate, threads = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    data = load_file(path)
    peers = {
        "sae-lens": lambda: sae_lens(data, k, rate, False),
        "sae-lens,sparse": lambda: sae_lens(data, k, rate, True),
        "sparsify": lambda: sparsify(data, k, rate),
    }
    for name, run in peers.items():
        try:
            with contextlib.redirect_stdout(sys.stderr):
                seconds, left = run()
        except Exception as reason:  # a peer that cannot run here is a row without numbers
            print(f"note: {name}: {reason}", file=sys.stderr)
            seconds, left = float("nan"), float("nan")
        print(name, seconds, left, flush=True)


if __name__ == "__main__":
    main()
