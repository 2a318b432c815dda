// What the block-rotation paper claims, on one model.
import { facts, section, type Section } from "../blocks";
import type { Analysis, AnalysisEntry } from "../data";
import { type Content, element, paragraph } from "../elements";
import { show } from "../layout";
import { countOf, sizeText, timeText, trimmedPercent, whole } from "../numbers";
import { sortableTable } from "../table";
import { picture } from "./pictures";

function entrySection(entry: AnalysisEntry): Section {
  return section(
    entry.name,
    entry.title,
    null,
    paragraph(undefined, element("strong", {}, `The paper, ${entry.source}: `), entry.claim),
    paragraph(undefined, element("strong", {}, `Here ${entry.verdict}. `), entry.sentence),
    entry.pictures.map(picture),
  );
}

function overview(analyses: AnalysisEntry[]): Section {
  const made = sortableTable<AnalysisEntry & { place: number }>({
    caption: "What the paper claims, on this model",
    id: "claims",
    noun: "claim",
    rows: analyses.map((entry, place) => ({ ...entry, place })),
    columns: [
      {
        name: "claim",
        cell: (entry) => element("a", { href: `#${entry.name}` }, entry.title),
        value: (entry) => entry.place,
      },
      { name: "of the paper", cell: (entry) => entry.source, value: (entry) => entry.source },
      { name: "is", cell: (entry) => entry.verdict, value: (entry) => entry.verdict },
      { name: "because", cell: (entry) => entry.sentence },
    ],
    filterText: (entry) => `${entry.title} ${entry.source} ${entry.verdict} ${entry.sentence}`,
    sortedBy: "claim",
  });
  return section("overview", "Overview", null, made);
}

function summary(data: Analysis): string {
  const counted = (verdict: string): number => data.analyses.filter((entry) => entry.verdict === verdict).length;
  const open = counted("not decidable");
  return (
    `Of ${countOf(data.analyses.length, "claim")} about rotations and ${data.format}, this model supports ` +
    `${counted("supported")} and refutes ${counted("refuted")}${open > 0 ? `; ${whole(open)} cannot be decided on it.` : "."}`
  );
}

function lookedAt(data: Analysis): [Content, Content][] {
  const layers = countOf(data.layers, "layer");
  if (data.of === "weights")
    return [["looked at", `up to ${whole(data.rows)} rows of each of ${countOf(data.samples, "weight")} in ${layers}`]];
  return [
    [
      "looked at",
      `up to ${whole(data.rows)} tokens at each of ${countOf(data.samples, "input")} of linears in ${layers}`,
    ],
    ["text", `${data.text.join(", ") || "–"}, ${countOf(data.windows, "window")} of ${whole(data.window)} tokens`],
  ];
}

function factsOf(data: Analysis): HTMLElement {
  const gains =
    data.gains === "kept"
      ? "kept in the inputs, as the model has them"
      : "folded into the weights, as in every model whose stream is rotated";
  return facts([
    ["model", data.model],
    ...lookedAt(data),
    ["norms’ gains", gains],
    [
      "outliers",
      `the largest ${trimmedPercent(data.outlierShare)} of an input’s magnitudes; a block with one is an outlier block, the others are regular`,
    ],
    ["rotations", "random Hadamard matrices over the whole width (full) and over each block of the format (block)"],
    ["time", `${timeText(data.seconds)}, peak memory ${sizeText(data.peakMemory)}`],
  ]);
}

export function showAnalysis(data: Analysis): void {
  show({
    eyebrow: "LatticeLens analysis",
    title: [data.model, element("span", { class: "soft" }, `, ${data.format}`)],
    head: [paragraph("verdict", summary(data)), factsOf(data)],
    sections: [overview(data.analyses), ...data.analyses.map(entrySection)],
    footer:
      "Written by latticelens analyse. The claims are those of “Block Rotation is the Cure of MXFP4 Quantization”; verdicts " +
      "are about this model’s tensors, not about its perplexity.",
  });
}
