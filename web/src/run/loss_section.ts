// Perplexity and divergence, window by window, with their intervals.
import { figure, missing, section, type Section } from "../blocks";
import { windowDots } from "../charts/dots";
import type { Evaluation, Run } from "../data";
import { element } from "../elements";
import { countOf, fixed, known, percent, significant, whole } from "../numbers";
import { meanOf } from "../statistics";
import { type Column, table } from "../table";
import { mainEvaluation } from "./verdict";

/** Perplexities one standard error of the mean loss below and above. */
export function perplexityInterval(row: Evaluation): string {
  const mean = meanOf(row.windowLoss);
  if (!known(mean.value) || !known(mean.standardError)) return "–";
  const bound = (sign: number): string => fixed(Math.exp((mean.value ?? 0) + sign * (mean.standardError ?? 0)), 2);
  return `${bound(-1)} to ${bound(1)}`;
}

function withError(value: number | null, values: (number | null)[], digits: number): string {
  const error = meanOf(values).standardError;
  return fixed(value, digits) + (known(error) ? ` ± ${fixed(error, digits)}` : "");
}

const columns: Column<Evaluation>[] = [
  { name: "text", cell: (row) => row.text.join(", ") || "–" },
  { name: "windows × tokens", number: true, cell: (row) => `${whole(row.windowLoss.length)} × ${whole(row.window)}` },
  { name: "perplexity", number: true, cell: (row) => fixed(row.perplexity, 2) },
  { name: "its interval", number: true, cell: perplexityInterval },
  { name: "original’s", number: true, cell: (row) => fixed(row.originalPerplexity, 2) },
  { name: "mean loss", number: true, cell: (row) => withError(row.meanLoss, row.windowLoss, 4) },
  {
    name: "cost",
    number: true,
    cell: (row) =>
      known(row.meanLoss) && known(row.originalMeanLoss) ? fixed(row.meanLoss - row.originalMeanLoss, 4) : "–",
  },
  { name: "KL divergence", number: true, cell: (row) => withError(row.kl, row.windowKl, 4) },
  { name: "top token agrees", number: true, cell: (row) => percent(row.agreement) },
];

function windowFigure(row: Evaluation): HTMLElement | null {
  const charts = [
    windowDots("Loss of each window, nats per token", row.windowLoss),
    windowDots("KL of each window, nats per token", row.windowKl),
  ].filter((chart) => chart !== null);
  if (charts.length === 0) return null;
  return figure(
    "",
    element("div", { class: "pair" }, charts),
    `Windows of ${row.text.join(", ")}. The band is the mean ± one standard error over windows: how far ` +
      "another sample of the same text could move it. Intervals below are the same.",
  );
}

function finding(row: Evaluation): string {
  const loss = meanOf(row.windowLoss);
  const kl = meanOf(row.windowKl);
  const plusMinus = (error: number | null): string => (known(error) ? ` ± ${significant(error, 2)}` : "");
  const divergence = known(row.kl)
    ? `, its divergence from the original ${significant(row.kl)}${plusMinus(kl.standardError)}`
    : "";
  return (
    `The mean loss is ${significant(row.meanLoss, 4)}${plusMinus(loss.standardError)} nats per token${divergence}, ` +
    `over ${countOf(row.windowLoss.length, "window")}.`
  );
}

export function lossSection(run: Run): Section {
  const row = mainEvaluation(run);
  if (!row)
    return section(
      "loss",
      "Loss",
      null,
      missing("No evaluation has been written into this run. This writes one:", run.commands.evaluate),
    );
  const gap = known(row.kl)
    ? null
    : missing("Divergence from the original has not been measured. This measures it:", run.commands.evaluate);
  return section(
    "loss",
    "Loss",
    finding(row),
    windowFigure(row),
    table("Evaluations of this run; losses and divergences in nats per token", columns, run.evaluations),
    gap,
  );
}
