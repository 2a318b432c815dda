"""Folders of FP-Quant: the buffers that its linear has, and what their codes stand for. Its kernels, and transformers with it, ask for a
GPU; so the class is asked for its buffers and rotation, and the codes are decoded by the kernels' own formula."""
import json

from peers.common import SAME_WEIGHTS, closeness, forward, largest, same, tensors_of, yes

METHODS = {"no rotation": "weight=mxfp4/7.25", "hadamard:32@inputs": "rotate=hadamard:32@inputs weight=mxfp4"}
ENDS = ["qweight", "scales", "weight_global_scale", "act_global_scale", "forward_hadamard_matrix", "backward_hadamard_matrix"]
LEVELS = [0, 0.5, 1, 1.5, 2, 3, 4, 6]


def linear_of(tensors, name, group_size, transform):
    """FP-Quant's own linear of that shape, made for values so that it can be made without a GPU."""
    import torch
    from fp_quant import FPQuantConfig, FPQuantDtype, FPQuantLinear
    config = FPQuantConfig(forward_dtype=FPQuantDtype.MXFP4, forward_method="abs_max", backward_dtype=FPQuantDtype.BF16,
                           hadamard_group_size=group_size, transform_init=transform, pseudoquantization=True)
    rows, half = tensors[name + ".qweight"].shape
    return FPQuantLinear(2 * half, rows, config, bias=False, dtype=torch.bfloat16)


def has_its_buffers(tensors, name, linear):
    wanted = {end: tensor for end, tensor in linear.state_dict().items() if end in ENDS}
    return all((tensors[f"{name}.{end}"].shape, tensors[f"{name}.{end}"].dtype) == (tensor.shape, tensor.dtype) for end, tensor in wanted.items())


def decoded(tensors, name):
    """The even value in the low nibble, times its power of two, over the factor of the weight."""
    import torch
    codes, scales = tensors[name + ".qweight"].int(), tensors[name + ".scales"].int()
    levels = torch.tensor(LEVELS + [-level for level in LEVELS])
    values = levels[torch.stack([codes & 15, codes >> 4], -1).flatten(-2)].unflatten(-1, (-1, 32))
    return (values * torch.exp2((scales - 127).float())[..., None]).flatten(-2) / tensors[name + ".weight_global_scale"].float()


def run_there(folder, tensors, names, quantization):
    """The plain model with the decoded weights behind FP-Quant's own rotation of its input; inputs not quantized."""
    import torch
    from fp_quant.module.linear import get_hadamard_matrix
    from transformers import AutoConfig, AutoModelForCausalLM
    config = AutoConfig.from_pretrained(folder)
    del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items() if name.rpartition(".")[0] not in names}, strict=False)
    matrix = get_hadamard_matrix(quantization["hadamard_group_size"], torch.float32, "cpu")
    for name, module in model.named_modules():
        if name in names:
            module.weight.data = decoded(tensors, name)
            if quantization["transform_init"] == "hadamard":
                module.register_forward_pre_hook(lambda _, x: ((x[0].unflatten(-1, (-1, len(matrix))) @ matrix).flatten(-2),))
    return model


def check_fp_quant(program, quantize, ids):
    rows = []
    for index, (what, method) in enumerate(METHODS.items()):
        folder = program.work / f"fp-quant-{index}"
        program.call("convert", quantize(f"fp-quant-run-{index}", f"{method} rounding=nearest"), "--to", "fp-quant", "--dtype", "fp32", "--out",
                     folder, "--quiet")
        tensors, quantization = tensors_of(folder), json.loads((folder / "config.json").read_text())["quantization_config"]
        names = {name.removesuffix(".qweight") for name in tensors if name.endswith(".qweight")}
        linears = {name: linear_of(tensors, name, quantization["hadamard_group_size"], quantization["transform_init"]) for name in names}
        theirs, ours = forward(run_there(folder, tensors, names, quantization), ids), program.logits(folder, ids)
        rows += [yes(f"fp-quant, {what}: names, shapes and types of the buffers of {len(names)} linears",
                     all(has_its_buffers(tensors, name, linear) for name, linear in linears.items())),
                 same(f"fp-quant, {what}: logits, inputs not quantized", largest(theirs, ours), SAME_WEIGHTS, closeness(theirs, ours))]
    return rows
