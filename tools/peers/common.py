"""What all checks share: the program under test, the peers' environment, rows of results, differences of tensors."""
import dataclasses
import json
import os
import subprocess
import sys
import venv

PACKAGES = ["torch==2.11.0", "transformers==5.23.0", "compressed-tensors==0.20.0", "safetensors==0.8.0",
            "tokenizers==0.23.3", "numpy==2.4.6", "gguf==0.19.0", "jinja2==3.1.6", "fp-quant==0.3.2", "scipy==1.16.3",
            "sentencepiece==0.2.3", "protobuf==7.36.2", "xxhash==4.1.0"]
SELF_FACTOR = 2      # of mean differences, to a peer's difference from itself
NOISE = 1e-6         # relative, on the input of every quantized linear: more than two correct sums in fp32 differ by
SAME_WEIGHTS = 1e-3  # of logits: what two fp32 forward passes with the same weights may differ by


@dataclasses.dataclass
class Row:
    what: str
    maximum: float | None
    status: str
    note: str = ""


class Program:
    """The latticelens program under test and the folder that it writes to."""

    def __init__(self, path, work):
        self.path, self.work = path, work

    def call(self, *arguments, text=None):
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"check_peers: {' '.join(command)}\nfailed with exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def quantize(self, model, name, options):
        self.call("quantize", model, *options, "--out", self.work / name, "--quiet")
        return self.work / name

    def export(self, model, name, dtype):
        self.call("export", model, "--out", self.work / name, "--dtype", dtype, "--quiet")
        return self.work / name

    def tokenize(self, model, texts, *options):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        return [json.loads(line)["ids"] for line in self.call("tokenize", model, "--jsonl", "-", *options, text=lines).splitlines()]

    def logits(self, model, ids):
        from safetensors.torch import load_file, save_file
        given, got = self.work / "ids.safetensors", self.work / "logits.safetensors"
        save_file({"input_ids": ids}, given)
        self.call("logits", model, "--ids", given, "--out", got, "--quiet")
        return load_file(got)["logits"]


# The environment


def make_environment(folder, packages=PACKAGES):
    """The Python of a virtual environment with exactly these packages in it; made once."""
    python, stamp = folder / "bin" / "python", folder / "packages.txt"
    wanted = "\n".join(packages) + "\n"
    if not stamp.is_file() or stamp.read_text() != wanted:
        print(f"installing {', '.join(packages)} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, symlinks=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        stamp.write_text(wanted)
    return python


def run_inside(python):
    settings = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.execve(python, [str(python), *sys.argv], {**os.environ, **settings})


# Differences


def same(what, difference, tolerance=0.0, note=""):
    return Row(what, difference, "pass" if difference <= tolerance else "fail", note)


def yes(what, holds, note=""):
    return Row(what, None, "pass" if holds else "fail", note)


def bits_differ(left, right):
    """The largest difference of two fp32 tensors; infinite when shapes differ or equal values have different bits."""
    import torch
    if left.shape != right.shape:
        return float("inf")
    largest = (left - right).abs().max().item()
    return largest if largest > 0 or torch.equal(left.view(torch.int32), right.view(torch.int32)) else float("inf")


def largest(left, right):
    return (left - right).abs().max().item()


def mean(left, right):
    return (left - right).abs().mean().item()


def agreement(left, right):
    return (left.argmax(-1) == right.argmax(-1)).float().mean().item()


def closeness(left, right):
    return f"mean {mean(left, right):.2g}, same top token {agreement(left, right):.1%}"


def tensors_of(folder):
    from safetensors.torch import load_file
    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


# Models


def load(folder, **options):
    """The model and the names that loading found missing or unexpected."""
    from transformers import AutoModelForCausalLM
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **options)
    return model.eval(), sorted(report["missing_keys"] | report["unexpected_keys"])


def forward(model, ids):
    import torch
    with torch.no_grad():
        return model(ids).logits.float()


def spread(model, ids):
    """The mean difference of a quantized model's logits from its own with a little noise before every quantized linear."""
    import torch
    draw = torch.Generator().manual_seed(0)

    def noisy(_, inputs):
        return (inputs[0] * (1 + NOISE * torch.randn(inputs[0].shape, generator=draw)), *inputs[1:])

    without = forward(model, ids)
    hooks = [module.register_forward_pre_hook(noisy) for module in model.modules() if hasattr(module, "quantization_scheme")]
    largest_mean = max(mean(without, forward(model, ids)) for _ in range(3))
    for hook in hooks:
        hook.remove()
    return largest_mean


def compare_quantized(what, model, theirs, ours, ids, note=""):
    """With quantized inputs a last bit decides roundings, and roundings decide others: equal, or as near as a peer to itself."""
    difference, own = largest(theirs, ours), spread(model, ids)
    alike = difference <= SAME_WEIGHTS or mean(theirs, ours) <= SELF_FACTOR * own
    return Row(what, difference, "pass" if alike else "fail", f"{closeness(theirs, ours)}; from itself with noise of {NOISE}: {own:.2g}{note}")
