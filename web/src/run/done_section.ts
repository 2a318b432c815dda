// What was done: the method word by word, and the facts of the run.
import { commandBlock, facts, section, type Section } from "../blocks";
import type { Method, Run } from "../data";
import { type Content, element, paragraph } from "../elements";
import { countOf, fixed, known, sizeText, whole } from "../numbers";
import { weightsOf } from "./kinds";

type Facts = [term: Content, meaning: Content][];

function modelFacts(run: Run): Facts {
  if (!run.model) return [];
  const { name, family, layers, hidden, intermediate, vocabulary, tied } = run.model;
  const shape = `${countOf(layers, "block")}, width ${whole(hidden)}, MLP ${whole(intermediate)}, vocabulary ${whole(vocabulary)}`;
  return [
    ["Model", name],
    ["Shape", `${family}: ${shape}${tied ? ", head tied to the embedding" : ""}`],
  ];
}

function weightFacts(run: Run): Facts {
  const rows: Facts = [];
  if (run.linears.length > 0)
    rows.push(["Quantized", `${whole(weightsOf(run.linears))} weights in ${countOf(run.linears.length, "linear")}`]);
  if (known(run.bitsPerWeight)) rows.push(["Bits a weight", `${fixed(run.bitsPerWeight, 2)}, scales included`]);
  if (known(run.modelBytes)) rows.push(["Model folder", sizeText(run.modelBytes)]);
  return rows;
}

function calibrationFacts(run: Run): Facts {
  const calibration = run.calibration;
  if (!calibration || calibration.windows === 0) return [["Calibration", "none: no text was used"]];
  const rows: Facts = [
    [
      "Calibration",
      `${countOf(calibration.windows, "window")} of ${countOf(calibration.window, "token")} from ${calibration.files.join(", ")}`,
    ],
    ["Calibration in", run.calibrationDtype],
  ];
  if (calibration.droppedBytes > 0)
    rows.push(["Left out", `${countOf(calibration.droppedBytes, "byte")} of the text have no token`]);
  return rows;
}

function factsOf(run: Run): Facts {
  const rows: Facts = [
    ...modelFacts(run),
    ...weightFacts(run),
    ["Everything else", run.dtype],
    ...calibrationFacts(run),
    ["Seed", run.seed],
    ["Program", run.program],
    ["LibTorch", run.libtorch],
  ];
  if (run.threads > 0) rows.push(["Threads", whole(run.threads)]);
  return rows.filter(([, value]) => value !== "");
}

export function methodWords(method: Method): HTMLElement {
  if (method.words.length === 0) return paragraph(undefined, "The run does not say which method it used.");
  return facts(method.words.map(({ word, meaning }) => [element("code", {}, word), meaning]));
}

export function doneSection(run: Run): Section {
  const method = element("div", {}, element("h3", {}, "Method, word by word"), methodWords(run.method));
  const about = element("div", {}, element("h3", {}, "The run"), facts(factsOf(run)));
  const again = element(
    "details",
    {},
    element("summary", {}, "The command that makes this run again"),
    commandBlock(run.commands.quantize),
  );
  return section("done", "What was done", null, element("div", { class: "two-columns" }, method, about), again);
}
