// The blocks' scales, and what was clipped.
import { figure, section, type Section } from "../blocks";
import { bars } from "../charts/bars";
import { heatMap } from "../charts/heat_map";
import { type HistogramRow, histograms } from "../charts/histograms";
import type { Counts, Exponents, Run } from "../data";
import { element, paragraph } from "../elements";
import { percent, powerOfTwo, whole } from "../numbers";
import { addExponents, exponentAt, ratio, sumOf } from "../statistics";
import { type Column, table } from "../table";
import { byLayer, clippedShare, type Kind, kindsOf, layersOf, weightsOf } from "./kinds";

export function exponentNote(counts: Exponents): string {
  const last = counts.at(-1)?.[0] ?? 0;
  return `median ${powerOfTwo(exponentAt(counts, 0.5))}, ${powerOfTwo(counts[0]?.[0] ?? 0)} to ${powerOfTwo(last)}`;
}

function exponentsFigure(run: Run, kinds: Kind[]): HTMLElement | null {
  const row = (name: string, color: string, linears: Run["linears"]): HistogramRow[] => {
    const counts = addExponents(linears.map((linear) => linear.scales));
    return counts.length > 0 ? [{ name, color, counts, note: exponentNote(counts) }] : [];
  };
  const rows = kinds.flatMap((kind) => row(kind.label, kind.color, kind.linears));
  if (kinds.length > 1) rows.push(...row("all", "var(--ink)", run.linears));
  if (rows.length === 0) return null;
  return figure(
    "Histogram of the blocks’ scales",
    histograms("Histogram of the scales by kind of linear", rows, "scale", "scale of a block of weights"),
    "Each block of weights shares one scale (of scales that are no powers of two the nearest one is counted). Height: " +
      "share of the kind’s blocks. A wide row needs a wide range of scales.",
  );
}

function clippedFigures(kinds: Kind[], layers: number): HTMLElement[] {
  const rows = kinds.map(({ label, color, linears }) => {
    const value = clippedShare(linears);
    return { name: label, color, value, text: percent(value) };
  });
  const map = heatMap({
    description: "Share of clipped weights of every linear, layer by kind",
    legend: "clipped weights",
    rows: kinds.map((kind) => ({ name: kind.label, values: byLayer(kind.linears, layers, clippedShare) })),
    columns: layers,
    columnName: "layer",
    spacing: "linear",
    label: (value) => percent(value, 2),
  });
  return [
    figure(
      "Clipped weights by kind",
      bars("Share of clipped weights by kind of linear", rows),
      "Weights beyond the largest level of their block, by kind.",
    ),
    figure(
      "Clipped weights, layer by kind",
      map,
      "The same for every linear. The colours’ steps are equal differences.",
    ),
  ];
}

interface ActivationRow {
  where: string;
  counts: Counts;
}

const columns: Column<ActivationRow>[] = [
  { name: "where", cell: (row) => row.where },
  { name: "values", number: true, cell: ({ counts }) => whole(counts.values) },
  { name: "clipped", number: true, cell: ({ counts }) => whole(counts.clipped) },
  { name: "share", number: true, cell: ({ counts }) => percent(ratio(counts.clipped, counts.values)) },
  {
    name: "NaN or infinite",
    number: true,
    cell: ({ counts }) => (counts.notFinite > 0 ? element("strong", { class: "bad" }, whole(counts.notFinite)) : "0"),
  },
];

function activationsTable(run: Run): HTMLElement {
  const all: { where: string; counts: Counts | null }[] = [
    { where: "calibration", counts: run.calibrationActivations },
    ...run.evaluations.map((row) => ({ where: `evaluation on ${row.text.join(", ")}`, counts: row.activations })),
  ];
  const rows = all.filter((row): row is ActivationRow => row.counts !== null && row.counts.values > 0);
  if (rows.length === 0) return paragraph(undefined, "No activation was quantized where they were counted.");
  return table("Quantized activations", columns, rows);
}

/** null without linears. */
export function scalesSection(run: Run): Section | null {
  const kinds = kindsOf(run);
  if (kinds.length === 0) return null;
  const clipped = sumOf(run.linears.map((linear) => linear.clipped));
  return section(
    "scales",
    "Scales and clipping",
    `${percent(run.summary.clipped_share)} of the weights are clipped: ${whole(clipped)} of ${whole(weightsOf(run.linears))}.`,
    exponentsFigure(run, kinds),
    clippedFigures(kinds, layersOf(run)),
    activationsTable(run),
  );
}
