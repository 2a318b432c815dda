#!/usr/bin/env python3
"""The methods of the block-rotation paper on one model: perplexity, KL, top-1 agreement, time, memory, in one run.

Example: bench/methods.py MODEL --calibration first-half.txt --text second-half.txt --out build/methods
Finished rows are kept in --out, so a killed run continues. Prints a Markdown table; writes methods.json.
"""
import argparse
import json
import pathlib
import subprocess

ROWS = [  # name, how it is asked for
    ("rtn", ["--preset", "rtn"]),
    ("rtn, 7.25 rule", ["--method", "weight=mxfp4/7.25/away activation=mxfp4/7.25/away rounding=nearest"]),
    ("gptq", ["--preset", "gptq"]),
    ("quarot", ["--preset", "quarot"]),
    ("quarot+", ["--preset", "quarot+"]),
    ("brq", ["--preset", "brq"]),
]


def program(*arguments):
    result = subprocess.run([str(options.program), *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout)


def measure(name, how):
    run = options.out / name.replace(" ", "-").replace(",", "")
    row_file = run / "row.json"
    if row_file.exists():
        return json.loads(row_file.read_text())
    text = [] if "rtn" in name or name == "quarot" else ["--calibration", options.calibration, "--windows", options.calibration_windows]
    made = program("quantize", options.model, *how, *text, "--out", run, "--json")
    row = program("evaluate", run, "--text", options.text, "--windows", options.windows, "--against", options.model, "--json")
    row = {"name": name, "seconds": made["seconds"], "times": made["times"], "peak_memory": made["peak_memory"],
           "calibrated_on": made["identity"]["windows"], **row}
    row_file.write_text(json.dumps(row))
    return row


def table(rows):
    original = rows[0]["original_mean_nll"]
    baseline = rows[0]["mean_nll"] - original
    print("| method | perplexity | excess loss | RTN's excess removed | KL | top-1 | quantize, s | peak, GB |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| original | {rows[0]['original_perplexity']:.2f} | 0 | | 0 | 100 % | | |")
    for row in rows:
        excess = row["mean_nll"] - original
        print(f"| {row['name']} | {row['perplexity']:.2f} | {excess:.3f} | {100 * (1 - excess / baseline):.0f} % | {row['kl']:.3f} | "
              f"{100 * row['top1_agreement']:.1f} % | {row['seconds']:.0f} | {row['peak_memory'] / 1e9:.2f} |")


def main():
    rows = [measure(name, how) for name, how in ROWS]
    (options.out / "methods.json").write_text(json.dumps(rows, indent=1) + "\n")
    table(rows)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", type=pathlib.Path)
parser.add_argument("--calibration", required=True, type=pathlib.Path, help="text to calibrate on")
parser.add_argument("--text", required=True, type=pathlib.Path, help="text to evaluate on")
parser.add_argument("--calibration-windows", type=int, default=8)
parser.add_argument("--windows", type=int, default=8, help="windows of 2048 tokens to evaluate")
parser.add_argument("--out", required=True, type=pathlib.Path)
parser.add_argument("--program", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "build/release/latticelens")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)
main()
