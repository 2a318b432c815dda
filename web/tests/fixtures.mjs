// Runs and a table with known numbers, written as quantize, evaluate and bench write theirs.
import { mkdirSync, writeFileSync } from "node:fs";

const method =
  "rotate=hadamard:32@residual weight=mxfp4/away activation=mxfp4/away rounding=gptq:damp=0.01 scales=stale moments=original";

export const runJson = {
  identity: { method, seed: 0, dtype: "bf16", calibration_dtype: "fp32" },
  state: "finished",
  program: "latticelens 0.1.0",
  libtorch: "2.11.0",
  preset: "brq",
  model: {
    path: "models/小さな模型.gguf",
    family: "llama",
    layers: 6,
    hidden: 64,
    intermediate: 128,
    vocabulary: 49152,
    tied: true,
  },
  calibration: { files: ["本文.txt"], windows: 4, window: 2048, dropped_bytes: 0 },
  times: { moments: 6.5, rounding: 3.25 },
  seconds: 12.5,
  resumed_blocks: 0,
  threads: 2,
  peak_memory: 1946476544,
  model_bytes: 171253673,
  bits_per_weight: 4.25,
  calibration_activations: { values: 0, clipped: 0, not_finite: 0 },
};

function linear(layer, name, error) {
  return {
    layer,
    linear: name,
    out: 64,
    in: 64,
    clipped: 41 + layer,
    weight_error: 1.5,
    weight_energy: 100,
    error,
    nearest_error: 5 * error,
    energy: 1000,
    tokens: 8192,
    scale_exponents: { "-7": 100, "-6": 28 },
    rotation: {
      scale_exponents_before: { "-8": 64, "-5": 64 },
      scale_exponents_after: { "-7": 100, "-6": 28 },
      energy_before: 100,
    },
    damping: 0.01,
    escalations: 0,
    certificate: {
      error: 1.1 * error,
      lower_bound: 0.25 * error,
      expected: error,
      worst: 12 * error,
      sphere: 0.5 * error,
      rate_bound: 0.2 * error,
      headroom_decibels: 7.4,
      profile_ratio: 1.25 + 0.01 * layer,
      profile: [3, 2.5, 2, 1],
    },
  };
}

export const linears = [0, 1, 2, 3, 4, 5].flatMap((layer) => [
  linear(layer, "self_attn.q_proj", 2.5 + layer),
  linear(layer, "mlp.down_proj", 61 - 9 * layer),
]);

export const evaluation = {
  event: "evaluation",
  text: ["wiki.txt"],
  window: 2048,
  perplexity: 34.27,
  mean_nll: 3.534,
  windows: [3.5, 3.568, 3.534],
  against: "models/小さな模型.gguf",
  original_perplexity: 19.19,
  original_mean_nll: 2.954,
  kl: 0.4321,
  top1_agreement: 0.6149,
  window_kl: [0.43, 0.4342, 0.4321],
  activations: { values: 1000, clipped: 28, not_finite: 0 },
  loss_changes: { worse: 0.7512, "1%": -2, "5%": -1, "25%": 0, "50%": 0.25, "75%": 1, "95%": 3, "99%": 5.5 },
  positions: [
    {
      window: 1,
      position: 7,
      kl: 9.25,
      original_loss: 0.5,
      loss: 8.75,
      before: "吾輩は猫である。名前はまだ無い。日本の",
      token: "首都",
      original_likeliest: "首都",
      likeliest: "料理",
    },
    {
      window: 0,
      position: 3,
      kl: 4.5,
      original_loss: 1,
      loss: 2,
      before: "<script>alert(1)</script>",
      token: "\n",
      original_likeliest: " the",
      likeliest: "\uFFFD",
    },
  ],
};

const metric = (value, original) => ({
  value,
  standard_error: 0.0476,
  original,
  original_standard_error: 0.0464,
  lost: 11,
  gained: 3,
  p: 0.0574,
});

export const tasks = {
  event: "tasks",
  data: "tasks/",
  against: "models/小さな模型.gguf",
  tasks: [
    { task: "piqa", items: 100, acc: metric(0.62, 0.65), acc_norm: metric(0.61, 0.69) },
    { task: "winogrande", items: 100, acc: metric(0.48, 0.52) },
  ],
  mean: metric(0.545, 0.605),
};

const lines = (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

export function writeRun(folder, run = runJson, metrics = [evaluation, tasks], rows = linears) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/run.json`, JSON.stringify(run));
  writeFileSync(`${folder}/layers.jsonl`, lines(rows));
  writeFileSync(`${folder}/metrics.jsonl`, lines(metrics));
  writeFileSync(
    `${folder}/learning.jsonl`,
    lines([
      { learns: "codes", step: 0, held_out_loss: 0.3821 },
      { learns: "codes", step: 1, loss: 0.41 },
      { learns: "codes", step: 2, loss: 0.33 },
      { learns: "codes", step: 2, held_out_loss: 0.2854 },
    ]),
  );
}

/** Rows of a table: names, divergences, bits and seconds in no common order. */
export const tableRows = [
  ["rtn", 1.5288, 4.25, 3.5],
  ["brq", 0.552, 4.5, 118],
  ["八ビット", 0.0123, 8.25, 60],
  ["quarot", 1.6595, 4.25, 7],
].map(([name, kl, bits, seconds]) => ({
  name,
  method: `weight=mxfp4 activation=mxfp4 rounding=${name === "rtn" ? "nearest" : "gptq"}`,
  baseline: "rtn",
  bits_per_weight: bits,
  calibrated_on: 16,
  seconds,
  peak_memory: 1e9,
  model_bytes: 1e8 * bits,
  ...evaluation,
  kl,
  perplexity: Math.exp(2.954 + kl),
  mean_nll: 2.954 + kl,
  excess_loss: kl,
  window_kl: [kl * 0.98, kl, kl * 1.02],
  tasks,
}));

export function writeTable(folder) {
  for (const row of tableRows) {
    const run = `${folder}/rows/${row.name}`;
    writeRun(run);
    writeFileSync(`${run}/row.json`, JSON.stringify(row));
  }
  const skipped = { name: "wide", method: "weight=mxfp4:4096", skipped: "the width is no multiple of 4096" };
  writeFileSync(`${folder}/bench.json`, JSON.stringify({ state: "finished", rows: [...tableRows, skipped] }));
}

export function writeAnalysis(folder) {
  mkdirSync(folder, { recursive: true });
  const charts = [
    {
      kind: "curves",
      title: "Errors <b>",
      x: "layer",
      y: "error",
      y_logarithmic: true,
      curves: [
        {
          name: "none",
          points: [
            [0, 0.5],
            [1, 1e-7],
            [2, null],
          ],
        },
        { name: "full", points: [] },
      ],
    },
    { kind: "exponents", title: "Maxima", rows: [{ name: "block", counts: { "-3": 5, 2: 7 } }] },
    {
      kind: "table",
      title: "Formats",
      columns: ["format", "error"],
      rows: [
        ["mxfp4", 0.0625],
        ["nvfp4", null],
      ],
    },
  ];
  const analysis = {
    model: "小さな模型.gguf",
    format: "mxfp4",
    of: "inputs",
    text: ["本文.txt"],
    layers: [0, 1],
    outlier_share: 0.001,
    analyses: [
      {
        name: "regular-blocks",
        title: "Error of blocks",
        source: "Figure 6",
        claim: "It rises.",
        verdict: "refuted",
        sentence: "It falls to 0.625.",
        charts,
      },
    ],
  };
  writeFileSync(`${folder}/analysis.json`, JSON.stringify(analysis));
}
