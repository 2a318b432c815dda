"""Every layout of compressed-tensors that LatticeLens writes, loaded and run by compressed-tensors and transformers."""
import json

from peers.common import SAME_WEIGHTS, closeness, compare_quantized, forward, largest, load, same, tensors_of, yes

# Scale rules of inputs are those of compressed-tensors' own quantizers, so that both programs quantize alike.
METHODS = {"mxfp4 W4A4": "weight=mxfp4/even activation=mxfp4/even", "mxfp4 W4A16": "weight=mxfp4/7.25",
           "mxfp4 W4A8": "weight=mxfp4/7.25 activation=mxfp8-e4m3/1.75",
           "mxfp6 W6A6": "weight=mxfp6-e2m3/even activation=mxfp6-e2m3/even",
           "mxfp8 W8A8": "weight=mxfp8-e4m3/1.75 activation=mxfp8-e4m3/1.75", "mxfp8 W8A16": "weight=mxfp8-e4m3",
           "nvfp4 W4A4": "weight=nvfp4 activation=nvfp4", "nvfp4 W4A16": "weight=nvfp4",
           "int4 W4A16, a scale a row": "weight=int4", "int4 W4A16, groups of 32": "weight=bint4:32",
           "int4 W4A4": "weight=int4 activation=int4", "int8 W8A8": "weight=int8 activation=int8", "int8 W8A16": "weight=int8"}


def scheme_of(folder):
    from compressed_tensors.quantization import QuantizationScheme
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    return config["format"], QuantizationScheme.model_validate(config["config_groups"]["group_0"])


def parts_of(tensors, name):
    """The stored parts of one linear by the ends of their names: "weight_packed", "weight_scale" ..."""
    return {end.removeprefix(name + "."): tensor for end, tensor in tensors.items() if end.startswith(name + ".weight")}


def unpacked_differently(folder, dense):
    """The number of quantized linears, and how many values compressed-tensors unpacks otherwise than we do, in the type it unpacks to."""
    from compressed_tensors.compressors import BaseCompressor
    layout, scheme = scheme_of(folder)
    compressor, tensors = BaseCompressor.get_value_from_registry(layout), tensors_of(folder)
    names = [name.removesuffix(".weight_scale") for name in tensors if name.endswith(".weight_scale")]
    different = 0
    for name in names:
        theirs = compressor.decompress(parts_of(tensors, name), scheme)["weight"]
        different += (theirs != dense[name + ".weight"].to(theirs.dtype)).sum().item()
    return len(names), different


def run_there(folder, dense):
    """The model as compressed-tensors runs it; in fp32, since it unpacks some layouts to bf16; and what loading missed."""
    import torch
    model, strange = load(folder, dtype=torch.float32)
    model.hf_quantizer.compressor.decompress_model(model)
    model = model.to(torch.float32)
    for name, module in model.named_modules():
        if hasattr(module, "quantization_scheme"):
            module.weight.data.copy_(dense[name + ".weight"])
    return model, strange


def perplexity(logits, ids):
    import torch
    losses = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1).double(), ids[:, 1:].flatten())
    return losses.exp().item()


def check_layout(program, what, run, ids):
    folder = run / "model"
    layout, scheme = scheme_of(folder)
    dense = tensors_of(program.export(run, run.name + "-dense", "fp32"))
    count, different = unpacked_differently(folder, dense)
    model, strange = run_there(folder, dense)
    theirs, ours = forward(model, ids), program.logits(run, ids)
    note = f"; perplexity {perplexity(theirs, ids):.4f} there, {perplexity(ours, ids):.4f} here"
    logits = compare_quantized(f"{what}: logits", model, theirs, ours, ids, note) if scheme.input_activations else same(
        f"{what}: logits", largest(theirs, ours), SAME_WEIGHTS, closeness(theirs, ours) + note)
    return [yes(f"{what} ({layout}): transformers finds every tensor and no other", not strange, ", ".join(strange[:3])),
            same(f"{what}: values of {count} weights that compressed-tensors unpacks otherwise", different),
            logits]


def check_layouts(program, quantize, ids):
    """quantize(name, method) gives a run's folder."""
    rows = []
    for index, (what, method) in enumerate(METHODS.items()):
        rows += check_layout(program, what, quantize(f"layout-{index}", f"{method} rounding=nearest"), ids)
    return rows
