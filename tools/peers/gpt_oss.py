"""gpt-oss: a random model that transformers makes, its logits here, and our folders of it in transformers. The published models do not fit
here; the architecture is the same."""
from peers.common import SAME_WEIGHTS, closeness, forward, largest, load, same, yes

SHAPE = {"vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 32, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 12,
         "max_position_embeddings": 131072, "swiglu_limit": 1.0}  # a limit that clamps


def random_model():
    """Weights of a size that every part shows in the logits."""
    import torch
    from transformers import GptOssConfig, GptOssForCausalLM
    torch.manual_seed(0)
    model = GptOssForCausalLM(GptOssConfig(**SHAPE)).eval()
    for name, parameter in model.named_parameters():
        noise, inputs = torch.randn_like(parameter), parameter.shape[-2 if "experts" in name and "bias" not in name else -1]
        parameter.data = 0.3 * noise if "bias" in name else 0.5 * noise if "sinks" in name else 1 + 0.3 * noise if "norm" in name \
            else 1.5 * noise / inputs ** 0.5
    return model


def check_gpt_oss(program):
    import torch
    from transformers import Mxfp4Config
    folder, model = program.work / "gpt-oss", random_model()
    model.save_pretrained(folder)
    ids = torch.randint(0, SHAPE["vocab_size"], (2, 128))
    theirs, ours = forward(model, ids), program.logits(folder, ids)
    rows = [same("gpt-oss, random model: logits", largest(theirs, ours), SAME_WEIGHTS, closeness(theirs, ours))]
    plain, packed, back = program.export(folder, "gpt-oss-plain", "fp32"), program.work / "gpt-oss-packed", program.work / "gpt-oss-back"
    program.call("export", folder, "--format", "gpt-oss", "--type", "mxfp4", "--dtype", "fp32", "--out", packed, "--quiet")
    program.call("convert", packed, "--to", "plain", "--dtype", "fp32", "--out", back, "--quiet")
    for what, path, options in (("plain", plain, {}), ("experts in MXFP4, dequantize=True", packed,
                                                       {"quantization_config": Mxfp4Config(dequantize=True)}), ("converted back", back, {})):
        loaded, strange = load(path, dtype=torch.float32, **options)
        theirs, ours = forward(loaded.float(), ids), program.logits(path, ids)
        rows += [yes(f"gpt-oss, {what}: transformers finds every tensor and no other", not strange, ", ".join(strange[:3])),
                 same(f"gpt-oss, {what}: logits", largest(theirs, ours), SAME_WEIGHTS, closeness(theirs, ours))]
    return rows
