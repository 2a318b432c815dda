// A folder of autoencoders with known numbers, written as sae and sae evaluate write theirs.
import { mkdirSync, writeFileSync } from "node:fs";

const densityOf = (latents) => ({ start: -2, step: 0.5, counts: [latents / 4, latents / 2, latents / 8, 0, 0] });

const metricsOf = (latents, k, fvu, dead) => ({
  fvu_dataset: fvu,
  fvu_batch: fvu * 1.1,
  l0: k,
  dead,
  log10_frequency: densityOf(latents),
});

function coderOf(checkpoint, site, latents, k, rate, fvu, dead) {
  const folder = `${checkpoint}/${site.replace(":", "-")}/topk-n${latents}-k${k}-lr${rate}-seed0`;
  const settings = { kind: "topk", latents, k, learning_rate: rate, seed: 0, site, folder };
  return { ...settings, search_checked: 256, search_missed: 3, validation: metricsOf(latents, k, fvu, dead) };
}

function checkpointOf(step, fvu, dead, sites) {
  const name = step === null ? "最終" : `step-${String(step).padStart(6, "0")}`;
  const coders = sites.flatMap((site) =>
    [64, 128].flatMap((latents) =>
      [4, 8].flatMap((k) =>
        [0.0003, 0.001].map((rate) => {
          const scale = (64 / latents) * (4 / k) * (rate === 0.001 ? 1 : 1.5);
          return coderOf(name, site, latents, k, rate, fvu * scale, dead);
        }),
      ),
    ),
  );
  const chosen = coders
    .filter((coder) => coder.learning_rate === 0.001)
    .map(({ site, folder }) => ({
      site,
      folder,
      why: `least fvu_dataset on the validation part; 0.0003: ${fvu * 1.5 + 0.0000012345}`,
    }));
  return {
    name,
    path: `series/${name}`,
    ...(step === null ? {} : { step, tokens: 2048 * step, held_out_loss: { ja: 9 - step / 100, 日本語: 8 } }),
    seconds: 20,
    model_seconds: 5,
    coder_seconds: 12.5,
    activations: 40960,
    peak_memory: 688619520,
    coders,
    chosen,
  };
}

/** Steps 0, 8 and 64 at two sites. */
export const saeJson = {
  identity: { models: [{}, {}, {}], sampling: "first:65", batch: 2048, steps: 60 },
  state: "finished",
  program: "latticelens 0.1.0",
  text: ["本文/ja"],
  documents: 50,
  activations_in_text: 3250,
  validation_activations: 325,
  checkpoints: [
    checkpointOf(0, 0.352, 0, ["block:1", "block:2"]),
    checkpointOf(8, 0.0328, 0.490234375, ["block:1", "block:2"]),
    checkpointOf(64, 0.00324, 0.935, ["block:1", "block:2"]),
  ],
};

/** One checkpoint without a step, which is not evaluated. */
export const singleJson = {
  ...saeJson,
  state: "running",
  checkpoints: [checkpointOf(null, 0.1, 0.25, ["embed"])],
};

export const saeEvaluation = {
  text: ["held-out/ja"],
  checkpoints: saeJson.checkpoints.map(({ name, coders }, place) => ({
    name,
    coders: coders
      .filter((coder) => coder.learning_rate === 0.001)
      .map(({ folder, validation }) => ({
        folder,
        metrics: { ...validation, fvu_dataset: validation.fvu_dataset * 1.05 },
        loss: { ce_original: 7, ce_substituted: 7.1, ce_zero: 9, loss_recovered_ce: 1.02, loss_recovered_kl: 0.87 },
        baselines: {
          pca_k_fvu: [0.64, 0.06, 0.0001][place],
          random_dictionary_fvu_scaled: 0.67,
          effective_rank: [145.8, 3.89, 1.9][place],
        },
      })),
  })),
};

export function writeSaes(folder, sae = saeJson, evaluation = saeEvaluation) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/sae.json`, JSON.stringify(sae));
  if (evaluation) writeFileSync(`${folder}/evaluation.json`, JSON.stringify(evaluation));
  for (const { name, coders } of sae.checkpoints) {
    mkdirSync(`${folder}/${name}`, { recursive: true });
    const lines = Array.from({ length: 60 }, (_, step) =>
      coders.map((coder) => ({
        step: step + 1,
        site: coder.site,
        coder: coder.folder.split("/").at(-1),
        loss: 1 / (1 + step),
        fvu_batch: coder.validation.fvu_dataset + 1 / (1 + step),
      })),
    ).flat();
    writeFileSync(`${folder}/${name}/training.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
}
