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


def main():
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
