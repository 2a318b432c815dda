// What the run cost, in one sentence and in a few numbers.
import { alarm, missing, type Tile, tilesOf } from "../blocks";
import type { Evaluation, Run } from "../data";
import { type Content, paragraph } from "../elements";
import { countOf, fixed, known, percent, significant, sizeText, timeText, whole } from "../numbers";
import { meanOf } from "../statistics";
import { layersOf, showsNearest } from "./kinds";

export function mainEvaluation(run: Run): Evaluation | null {
  return run.mainEvaluation === null ? null : (run.evaluations[run.mainEvaluation] ?? null);
}

function unfinishedSentence(run: Run): string {
  const known = run.model && run.model.layers > 0;
  const done = known ? `: ${whole(layersOf(run))} of ${countOf(run.model?.layers ?? 0, "block")} quantized` : "";
  return `This run is not finished${done}.`;
}

function lossSentence(parts: string, row: Evaluation): string {
  const cost = (row.meanLoss ?? 0) - (row.originalMeanLoss ?? 0);
  const change =
    cost >= 0
      ? `cost ${significant(cost, 2)} nats per token`
      : `lower the loss by ${significant(-cost, 2)} nats per token`;
  const perplexity = `perplexity ${significant(row.originalPerplexity)} → ${significant(row.perplexity)}`;
  const agreement = known(row.agreement) ? `, ${percent(row.agreement, 2)} of top tokens agree` : "";
  return `${parts} ${change}: ${perplexity}${agreement}.`;
}

function divergenceSentence(parts: string, row: Evaluation): string {
  return (
    `${parts} move the predictions by ${significant(row.kl, 2)} nats per token (KL divergence from the ` +
    `original): perplexity ${significant(row.perplexity)}, ${percent(row.agreement, 2)} of top tokens agree.`
  );
}

export function verdict(run: Run): string {
  const parts = run.method.parts;
  const row = mainEvaluation(run);
  if (!run.finished) return unfinishedSentence(run);
  if (!row) return `${parts}; what they cost has not been measured yet.`;
  if (!known(row.meanLoss) || !known(row.perplexity)) return `${parts} broke the model: its loss is not a number.`;
  if (known(row.originalMeanLoss) && known(row.originalPerplexity)) return lossSentence(parts, row);
  if (known(row.kl)) return divergenceSentence(parts, row);
  return `${parts} reach perplexity ${significant(row.perplexity)} on ${row.text.join(", ")}.`;
}

function gap(run: Run): Content {
  const row = mainEvaluation(run);
  if (!run.finished) return missing("The same command continues it:", run.commands.quantize);
  if (!row) return missing("No evaluation yet. This measures the loss:", run.commands.evaluate);
  if (known(row.originalMeanLoss)) return null;
  return missing(
    "What the original itself reaches on this text is not recorded, so the cost in loss is unknown. This records it:",
    run.commands.evaluate,
  );
}

function lossTiles(row: Evaluation): Tile[] {
  const paired = known(row.originalPerplexity);
  const perplexity = {
    name: "Perplexity",
    value: fixed(row.perplexity, 2),
    note: paired ? `original ${fixed(row.originalPerplexity, 2)}` : `${fixed(row.meanLoss, 3)} nats per token`,
  };
  if (!known(row.kl)) return [perplexity];
  const error = meanOf(row.windowKl).standardError;
  return [
    perplexity,
    {
      name: "KL divergence",
      value: fixed(row.kl, 3),
      note: known(error) ? `± ${significant(error, 2)} nats per token` : "nats per token",
    },
    { name: "Top token agrees", value: percent(row.agreement), note: "with the original" },
  ];
}

function runTiles(run: Run): Tile[] {
  const row = mainEvaluation(run);
  const tiles = row ? lossTiles(row) : [];
  const summary = run.summary;
  if (run.linears.length > 0)
    tiles.push({
      name: run.ofOutputs ? "Median output error" : "Median weight error",
      value: percent(summary.median_relative_error, 2),
      note: showsNearest(run) ? `${percent(summary.median_of_nearest, 2)} of nearest’s` : "of the energy",
    });
  if (known(run.bitsPerWeight))
    tiles.push({ name: "Bits a weight", value: fixed(run.bitsPerWeight, 2), note: "scales included" });
  if (known(run.modelBytes)) tiles.push({ name: "Model folder", value: sizeText(run.modelBytes), note: "packed" });
  if (known(run.seconds))
    tiles.push({ name: "Time", value: timeText(run.seconds), note: `peak memory ${sizeText(run.peakMemory)}` });
  return tiles;
}

function warning(run: Run): Content {
  const count = run.summary.not_finite_activations;
  if (count === 0) return null;
  return alarm(
    `${countOf(count, "activation")} came out as NaN or infinite. The numbers on this page mean little until that is understood.`,
  );
}

export function verdictHead(run: Run): Content[] {
  return [warning(run), paragraph("verdict", verdict(run)), tilesOf(runTiles(run)), gap(run)];
}
