"""Folders of sparse autoencoders: ours in SAELens and sparsify, theirs here. Latents and reconstructions of the same inputs.

Everything is compared in our unit and of our scaled inputs: what the peer gives is brought there by what the folder itself says
(the metadata's input_scaling, input_factor and unit), so that the metadata is checked too.
"""
import dataclasses
import json
import subprocess
import warnings

from peers.common import Row, largest, same, yes

PACKAGES = ["torch==2.11.0", "sae-lens==6.54.12", "transformer-lens==3.9.0", "eai-sparsify==1.3.3", "transformers==5.24.0",
            "datasets==5.2.0", "safetensors==0.8.0", "numpy==2.4.6"]
TOLERANCE = 1e-5  # of latents and reconstructions: two sums in fp32
CHOSEN = 1e-6     # below this a latent may be chosen by one program only


@dataclasses.dataclass
class Encoded:
    latents: object         # [B, n] dense, in our unit
    reconstruction: object  # [B, d] of the scaled inputs


def encoded_here(path):
    """What bench_sae_folders wrote, and the inputs."""
    import torch
    from safetensors.torch import load_file
    tensors = load_file(path)
    latents = torch.zeros(len(tensors["x"]), int(1 + tensors["indices"].max())).scatter_add_(1, tensors["indices"], tensors["values"])
    return tensors["x"], Encoded(latents, tensors["reconstruction"])


def padded(latents, size):
    import torch
    return torch.nn.functional.pad(latents, (0, size - latents.shape[1]))


def compare(what, theirs, ours):
    """Three rows: latents that one program chose and the other did not, values, reconstructions."""
    ours = Encoded(padded(ours.latents, theirs.latents.shape[1]), ours.reconstruction)
    alone = (theirs.latents > 0) != (ours.latents > 0)
    chosen = (alone & ((theirs.latents - ours.latents).abs() > CHOSEN)).sum().item()
    active = (ours.latents > 0).sum().item() / len(ours.latents)
    return [same(f"{what}: latents chosen otherwise", chosen, note=f"{active:.1f} a token"),
            same(f"{what}: latents", largest(theirs.latents, ours.latents), TOLERANCE, f"up to {ours.latents.max():.3g}"),
            same(f"{what}: reconstructions", largest(theirs.reconstruction, ours.reconstruction), TOLERANCE,
                 f"up to {ours.reconstruction.abs().max():.3g}")]


# Ours there


def scale_of(record, x):
    """What a token of x is multiplied by before our coder encodes it, by the folder's metadata."""
    scaling = record["input_scaling"]
    return 1 / x.norm(dim=-1, keepdim=True) if scaling == "unit_norm" else record["input_factor"] if scaling == "mean_norm" else 1.0


def in_saelens(folder, x):
    """From raw inputs to reconstructions of raw inputs: SAELens scales them itself."""
    import torch
    from sae_lens import SAE
    sae = SAE.load_from_disk(folder)
    record = sae.cfg.metadata.latticelens
    with torch.no_grad():
        latents = sae.encode(x)
        return Encoded(latents / record["unit"], sae.decode(latents) * scale_of(record, x))


def in_sparsify(folder, x):
    """Inputs of unit norm have to be scaled by hand, as the metadata says; a mean norm is in the biases."""
    import torch
    from sparsify import SparseCoder
    sae, record = SparseCoder.load_from_disk(folder), json.loads((folder / "cfg.json").read_text())["metadata"]["latticelens"]
    unit = record["unit"]
    by_hand = scale_of(record, x) if record["input_scaling"] == "unit_norm" else 1.0
    with torch.no_grad():
        out = sae.encode(x * by_hand)
        latents = torch.zeros(len(x), sae.num_latents).scatter_(1, out.top_indices, out.top_acts)
        return Encoded(latents / unit, sae.decode(out.top_acts, out.top_indices) / unit)


def check_ours(program, form, load):
    rows = []
    for path in sorted((program.work / "ours" / form).glob("*.safetensors")):
        folder = path.with_suffix("")
        x, ours = encoded_here(path)
        rows += compare(f"our {folder.name.replace('-', ', ')} in {form}", load(folder, x), ours)
    return rows


# Theirs here


class FolderProgram:
    """bench_sae_folders and the folder that it writes to."""

    def __init__(self, path, work):
        self.path, self.work = path, work

    def write(self):
        subprocess.run([self.path, self.work / "ours"], check=True, stdout=subprocess.DEVNULL)

    def encode(self, folder, x):
        """What we make of a peer's folder, or the reason that we refuse it for."""
        from safetensors.torch import save_file
        given, out = self.work / "x.safetensors", self.work / "encoded.safetensors"
        save_file({"x": x}, given)
        done = subprocess.run([self.path, folder, given, out], capture_output=True, text=True)
        if done.returncode == 2:
            return done.stderr.strip()
        done.check_returncode()
        return encoded_here(out)[1]


def randomise(sae, scale=1.0):
    """Values of a size that every part shows; decoder rows of different norms."""
    import torch
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(2 * scale * noise.abs() if name == "threshold" else 0.3 * scale * noise if noise.dim() == 1 else
                            noise / parameter.shape[0 if name == "W_enc" else 1] ** 0.5)
    return sae


def random_saelens(architecture, **options):
    from sae_lens import SAE
    config = {"architecture": architecture, "d_in": 48, "d_sae": 384, "dtype": "float32", "device": "cpu",
              "metadata": {"sae_lens_version": "6.54.12", "model_name": "gpt2", "hook_name": "blocks.3.hook_resid_post"}, **options}
    return randomise(SAE.from_dict(config))


SAELENS = {"topk": ("topk", {"k": 8}),
           "topk, b_dec not taken off": ("topk", {"k": 8, "apply_b_dec_to_input": False}),
           "topk, rescaled by decoder norms": ("topk", {"k": 8, "rescale_acts_by_decoder_norm": True}),
           "topk, constant norm": ("topk", {"k": 8, "normalize_activations": "constant_norm_rescale"}),
           "topk, bfloat16": ("topk", {"k": 8, "dtype": "bfloat16"}), "topk, float16": ("topk", {"k": 8, "dtype": "float16"}),
           "jumprelu": ("jumprelu", {}), "jumprelu, constant norm": ("jumprelu", {"normalize_activations": "constant_norm_rescale"}),
           "standard": ("standard", {})}
REFUSED = {"layer_norm": ("topk", {"k": 8, "normalize_activations": "layer_norm"}),
           "covariance_whitening": ("topk", {"k": 8, "normalize_activations": "covariance_whitening"}),
           "expected_average_only_in": ("topk", {"k": 8, "normalize_activations": "expected_average_only_in"}),
           "gated": ("gated", {})}


def compare_here(what, theirs, ours):
    return [yes(what, False, ours)] if isinstance(ours, str) else compare(what, theirs, ours)


def check_saelens_here(program, x):
    """Narrow weights are widened for the comparison: arithmetic in them is another question."""
    import torch
    from sae_lens import SAE
    rows = []
    for what, (architecture, options) in SAELENS.items():
        folder = program.work / "theirs" / what.replace(" ", "-")
        random_saelens(architecture, **options).save_model(folder)
        sae = SAE.load_from_disk(folder, dtype="float32")
        constant = sae.cfg.normalize_activations == "constant_norm_rescale"
        with torch.no_grad():
            latents = sae.encode(x)
            raw = sae.decode(latents)
        theirs = Encoded(latents / 48 ** 0.5 if constant else latents, raw / x.norm(dim=-1, keepdim=True) if constant else raw)
        rows += compare_here(f"SAELens' {what} here", theirs, program.encode(folder, x))
    for what, (architecture, options) in REFUSED.items():
        folder = program.work / "refused" / what
        random_saelens(architecture, **options).save_model(folder)
        reason = program.encode(folder, x)
        rows.append(yes(f"SAELens' {what} is refused here", isinstance(reason, str), str(reason).split("cfg.json: ")[-1]))
    return rows


def check_batch_top_k(program, x):
    """A training autoencoder of SAELens, saved as it saves finished ones."""
    import torch
    from sae_lens import SAE, BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    sae = randomise(BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=48, d_sae=384, k=8.0, rescale_acts_by_decoder_norm=True)))
    sae.topk_threshold.fill_(1.875)
    folder = program.work / "theirs" / "batchtopk"
    sae.save_inference_model(folder)
    loaded = SAE.load_from_disk(folder)
    with torch.no_grad():
        latents = loaded.encode(x)
        theirs = Encoded(latents, loaded.decode(latents))
    return compare_here("SAELens' batchtopk, saved for inference, here", theirs, program.encode(folder, x))


def check_sparsify_here(program, x):
    import torch
    from sparsify import SparseCoder, SparseCoderConfig
    rows = []
    for what, dtype in (("topk", torch.float32), ("topk, bfloat16", torch.bfloat16)):
        folder = program.work / "theirs" / f"layers.{len(what)}"
        randomise(SparseCoder(48, SparseCoderConfig(expansion_factor=8, k=8), dtype=dtype)).save_to_disk(folder)
        sae = SparseCoder.load_from_disk(folder).float()
        with torch.no_grad():
            out = sae.encode(x)
            latents = torch.zeros(len(x), sae.num_latents).scatter_(1, out.top_indices, out.top_acts)
            theirs = Encoded(latents, sae.decode(out.top_acts, out.top_indices))
        rows += compare_here(f"sparsify's {what} here", theirs, program.encode(folder, x))
    for what, options in (("groupmax", {"activation": "groupmax"}), ("transcoder", {"transcode": True}), ("skip connection", {"skip_connection": True})):
        folder = program.work / "refused" / what
        SparseCoder(48, SparseCoderConfig(expansion_factor=8, k=8, **options)).save_to_disk(folder)
        reason = program.encode(folder, x)
        rows.append(yes(f"sparsify's {what} is refused here", isinstance(reason, str), str(reason).split("cfg.json: ")[-1]))
    return rows


# Saved again


def check_saved_again(program):
    """SAELens loads a folder of ours and saves it: its metadata comes back here, the biases within their last bit."""
    import torch
    from sae_lens import SAE
    path = program.work / "ours" / "saelens" / "top_k-unit_norm.safetensors"
    x, ours = encoded_here(path)
    again = program.work / "again"
    SAE.load_from_disk(path.with_suffix("")).save_model(again)
    back = program.encode(again, x)
    if isinstance(back, str):
        return [yes("our folder, loaded and saved again by SAELens, here", False, back)]
    difference = largest(padded(back.latents, 512), padded(ours.latents, 512))
    return [same("our folder, loaded and saved again by SAELens, here: latents", difference, torch.finfo(torch.float32).eps)]


def report_sparsify_in_saelens(program):
    """SAELens has a converter for sparsify's folders; it turns W_dec around, so no folder loads, sparsify's own neither."""
    import torch
    from sae_lens import SAE
    from sae_lens.loading.pretrained_sae_loaders import sparsify_disk_loader
    from sparsify import SparseCoder, SparseCoderConfig
    folder = program.work / "theirs" / "layers.3"
    SparseCoder(48, SparseCoderConfig(expansion_factor=8, k=8)).save_to_disk(folder)
    what = "sparsify's own folder, through SAELens' converter"
    try:
        sae = SAE.load_from_disk(folder, converter=sparsify_disk_loader)
        with torch.no_grad():
            sae(torch.randn(2, 48).to(sae.dtype))
    except (RuntimeError, ValueError, KeyError) as failure:
        return [Row(what, None, "limit", " ".join(str(failure).split())[:160])]
    return [yes(what + ", loads now: say so in docs/sae_folders.md", False)]


def attempt(what, check, *arguments):
    """The rows of a check; one failed row when a peer refuses what it is given."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return check(*arguments)
    except Exception as refusal:  # of any of the peers' kinds
        return [Row(what, None, "fail", f"{type(refusal).__name__}: {refusal}".splitlines()[0])]


def check_all(program):
    import torch
    torch.manual_seed(0)
    program.write()
    x = torch.randn(64, 48) + 0.5
    return (attempt("our folders in SAELens", check_ours, program, "saelens", in_saelens)
            + attempt("our folders in sparsify", check_ours, program, "sparsify", in_sparsify)
            + attempt("SAELens' folders here", check_saelens_here, program, x)
            + attempt("SAELens' batchtopk here", check_batch_top_k, program, x)
            + attempt("sparsify's folders here", check_sparsify_here, program, x)
            + attempt("saved again by SAELens", check_saved_again, program)
            + attempt("sparsify's folder through SAELens", report_sparsify_in_saelens, program))
