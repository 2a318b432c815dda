#!/usr/bin/env python3
"""Writes the fuzzers' first inputs to fuzz/seeds/TARGET/: small valid files that reach every type."""
import json
import pathlib
import struct

seeds = pathlib.Path(__file__).resolve().parent / "seeds"

BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
          10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
          20: (32, 18), 23: (256, 136), 30: (1, 2), 39: (32, 17), 40: (64, 36)}
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
         "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}


def write(target, name, data):
    folder = seeds / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pattern(size):
    return bytes((37 * i + 11) % 256 for i in range(size))


def safetensors(entries, metadata=None):
    """entries: (name, dtype, shape)."""
    header, position = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape in entries:
        size = SIZES[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + pattern(position)


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(metadata, tensors, version=3):
    """metadata: (key, type, bytes); tensors: (name, file-order lengths, type)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    for key, kind, value in metadata:
        head += text(key) + struct.pack("<I", kind) + value
    data = b""
    for name, lengths, kind in tensors:
        data += b"\0" * (-len(data) % 32)
        head += text(name) + struct.pack("<I", len(lengths)) + struct.pack(f"<{len(lengths)}Q", *lengths)
        head += struct.pack("<IQ", kind, len(data))
        count = 1
        for length in lengths:
            count *= length
        values, size = BLOCKS[kind]
        data += pattern(count // values * size)
    if tensors:
        head += b"\0" * (-len(head) % 32)
    return head + data


def scalar_metadata():
    formats = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
    result = [(f"k{kind}", kind, struct.pack(form, 1)) for kind, form in formats.items()]
    result += [(f"l{kind}", 9, struct.pack("<IQ", kind, 2) + 2 * struct.pack(form, 1)) for kind, form in formats.items()]
    return result + [("k8", 8, text("x")), ("l8", 9, struct.pack("<IQ", 8, 2) + text("") + text("ab"))]


def alphabet(byte):
    """The character that stands for a byte in GPT-2's vocabularies."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return chr(byte if byte in shown else 256 + [b for b in range(256) if b not in shown].index(byte))


def byte_level_tokenizer(pre_tokenizer):
    vocab = {alphabet(b): b for b in range(256)} | {"he": 256, "ll": 257, "hell": 258}
    added = {"id": 259, "content": "<|end|>", "single_word": False, "lstrip": True, "rstrip": True, "normalized": False,
             "special": True}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|end|>", "type_id": 0}},
                                                         {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
                "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [259], "tokens": ["<|end|>"]}}}
    return {"added_tokens": [added], "normalizer": {"type": "NFC"}, "pre_tokenizer": pre_tokenizer,
            "post_processor": template, "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "ignore_merges": True, "vocab": vocab, "merges": ["h e", ["l", "l"], "he ll"]}}


def sentencepiece_json():
    vocab = {t: i for i, t in enumerate(["<unk>", "<s>", "\u2581", "a", "b", "ab", "<0xE6>", "<0x97>", "<0xA5>"])}
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    back = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
    decoders = [back, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    return {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"}, replace]},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": vocab,
                      "merges": [["a", "b"]]}}


def strings(values):
    return struct.pack("<IQ", 8, len(values)) + b"".join(text(value) for value in values)


def tokenizer_gguf(model, entries):
    entries = [("model", 8, text(model)), *entries, ("bos_token_id", 4, struct.pack("<I", 1))]
    return gguf([("tokenizer.ggml." + key, kind, value) for key, kind, value in entries], [])


def scored_gguf():
    tokens = ["<unk>", "<s>", "\u2581", "a", "b", "ab", "<0xE6>"]
    scores = struct.pack("<IQ7f", 6, 7, 0, 0, -1, -2, -3, -4, 0)
    types = struct.pack("<IQ7i", 5, 7, 2, 3, 1, 1, 1, 1, 6)
    return tokenizer_gguf("llama", [("tokens", 9, strings(tokens)), ("scores", 9, scores), ("token_type", 9, types)])


def merged_gguf(pre_tokenizer):
    tokens = ["!", "<s>", "h", "e", "l", "he", "\u0120"]
    return tokenizer_gguf("gpt2", [("pre", 8, text(pre_tokenizer)), ("tokens", 9, strings(tokens)),
                                   ("merges", 9, strings(["h e"]))])


def field(number, data):
    if isinstance(data, int):
        return bytes([number << 3, data])
    return bytes([number << 3 | 2]) + (bytes([len(data) & 127 | 128, len(data) >> 7]) if len(data) > 127
                                       else bytes([len(data)])) + data


def sentencepiece_model(kind, pieces, charsmap=b""):
    data = b""
    for name, score, piece_type in [("<unk>", 0, 2), ("<s>", 0, 3), *pieces]:
        data += field(1, field(1, name.encode()) + b"\x15" + struct.pack("<f", score) + field(3, piece_type))
    return data + field(2, field(3, kind)) + field(3, field(2, charsmap) + field(3, 1) + field(4, 1))


def main():
    pieces = [("a", -1, 1), ("b", -2, 1), ("ab", -2.5, 1), ("\u2581", -1, 1), ("he", -3, 4), ("x", -4, 5)]
    write("sentencepiece", "unigram", sentencepiece_model(1, pieces))
    write("sentencepiece", "bpe", sentencepiece_model(2, pieces))
    rules = struct.pack("<I", 1024) + struct.pack("<256I", *[0] * 256) + b"a\0"
    write("sentencepiece", "rules", sentencepiece_model(1, pieces, rules))
    for name in ["gpt-2", "llama-bpe", "smollm", "qwen2"]:
        write("tokenizer_gguf", name, merged_gguf(name))
    write("tokenizer_gguf", "scored", scored_gguf())
    split = {"type": "Split", "pattern": {"Regex": " ?\\p{L}+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    sequence = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, split, level]}
    for name, tokenizer in [("bytes", byte_level_tokenizer(level)), ("sequence", byte_level_tokenizer(sequence)),
                            ("fallback", sentencepiece_json())]:
        write("tokenizer_json", name, json.dumps(tokenizer, ensure_ascii=False).encode())
    write("safetensors", "empty", safetensors([]))
    write("safetensors", "one", safetensors([("a", "F32", [2, 3])], {"format": "pt"}))
    write("safetensors", "dtypes", safetensors([(d, d, [3]) for d in SIZES]))
    write("safetensors", "shapes", safetensors([("s", "F16", []), ("e", "F32", [0, 4]), ("b", "BF16", [1, 2, 3])]))
    write("gguf", "empty", gguf([], []))
    write("gguf", "metadata", gguf(scalar_metadata(), []))
    write("gguf", "alignment", gguf([("general.alignment", 4, struct.pack("<I", 32))], [("a", [3, 2], 0)], 2))
    for kind, (values, _) in BLOCKS.items():
        write("gguf", f"type{kind}", gguf([], [("a", [values], kind), ("b", [values, 2], kind)]))
    write("json", "config", b'{"model_type": "llama", "hidden_size": 64, "rope_scaling": null, "tie": true, "eps": 1e-05}')
    write("json", "nested", b'[[[{"a": [1, -2, 3.5e10, ""]}], "\\u65e5\\ud83d\\ude00"], {}, []]')
    write("json", "numbers", b"[0, -0, 0.0, -0.0, 18446744073709551615, -9223372036854775808, 1e308, 1e-400, 0.1]")


main()
