// The page of the autoencoders of a series of checkpoints.
import { alarm, section, type Section, tilesOf } from "../blocks";
import type { Saes } from "../data";
import { type Content, element, paragraph } from "../elements";
import { show } from "../layout";
import { countOf, known, percent, significant, whole } from "../numbers";
import { checkpointsSection } from "./checkpoints_section";
import { beatenByComponents, chosenOf, extremeOf, type Row, rowsOf } from "./coders";
import { codersTable } from "./coders_table";
import { densitySection } from "./density_section";
import { sweepSection } from "./sweep_section";
import { timeSection } from "./time_section";
import { trainingSection } from "./training_section";

function recovered(rows: Row[]): string {
  const range = extremeOf(rows, ({ coder }) => coder.evaluation?.lossRecoveredKl);
  if (!range) return "; how much of the model’s loss they recover has not been measured.";
  const least = range.least.coder.evaluation?.lossRecoveredKl;
  const most = range.most.coder.evaluation?.lossRecoveredKl;
  const [low, high] = [percent(least, 4), percent(most, 4)];
  const who = rows.length === 1 ? "it recovers" : "they recover";
  return `; ${who} ${low === high ? low : `${low} to ${high}`} of what zeros would cost the model (KL).`;
}

function verdict(data: Saes, all: Row[], rows: Row[]): string {
  const counted = `${countOf(all.length, "autoencoder")} of ${countOf(data.checkpoints.length, "checkpoint")}`;
  const fvu = extremeOf(rows, ({ coder }) => coder.validation.fvuDataset);
  if (!fvu) return `${counted}, none of which has been measured.`;
  const best = `the least FVU is ${significant(fvu.least.coder.validation.fvuDataset)} (${fvu.least.checkpoint.name})`;
  const dead = extremeOf(rows, ({ coder }) => coder.validation.dead);
  const worst = dead
    ? `, the largest share of dead latents ${percent(dead.most.coder.validation.dead)} (${dead.most.checkpoint.name})`
    : "";
  return `${counted}: ${best}${worst}${recovered(rows)}`;
}

/** A small FVU is no merit where the activations have few directions. */
function caution(rows: Row[]): Content {
  const compared = rows.filter(({ coder }) => known(coder.evaluation?.pcaFvu));
  const beaten = beatenByComponents(compared);
  if (beaten.length === 0) return null;
  const names = beaten.slice(0, 8).map(({ checkpoint }) => checkpoint.name);
  const others = beaten.length > names.length ? " and others" : "";
  return paragraph(
    "finding",
    `${beaten.length} of ${countOf(compared.length, "autoencoder")} reconstruct worse than as many principal components as ` +
      `they have active latents (${[...new Set(names)].join(", ")}${others}): a small FVU says little there.`,
  );
}

function head(data: Saes, all: Row[], rows: Row[]): Content {
  const open = data.planned - data.checkpoints.length;
  const unfinished = data.finished
    ? null
    : alarm(`This series is not finished${open > 0 ? `: ${countOf(open, "checkpoint")} to go` : ""}.`);
  const sites = new Set(all.map(({ coder }) => coder.site));
  return [
    unfinished,
    paragraph("verdict", verdict(data, all, rows)),
    caution(rows),
    tilesOf([
      { name: "Checkpoints", value: whole(data.checkpoints.length), note: [...sites].slice(0, 4).join(", ") },
      { name: "Autoencoders", value: whole(all.length), note: `${whole(rows.length)} chosen` },
      { name: "Training", value: countOf(data.steps, "step"), note: `of ${whole(data.batch)} activations` },
      {
        name: "Text",
        value: whole(data.activationsInText),
        note: `tokens in ${whole(data.documents)} documents of ${data.text.join(", ") || "–"}`,
      },
      { name: "Validation", value: whole(data.validationActivations), note: "tokens held out of that text" },
      ...(data.evaluated
        ? [{ name: "Evaluation", value: "done", note: `on ${data.evaluationText.join(", ") || "–"}` }]
        : []),
    ]),
  ];
}

export function showSaes(data: Saes): void {
  const all = rowsOf(data);
  const rows = chosenOf(all);
  const sections = [
    all.length > 0 ? section("table", "The autoencoders", null, codersTable(all, rows)) : null,
    trainingSection(data),
    checkpointsSection(data),
    densitySection(data),
    sweepSection(data),
    timeSection(data),
  ].filter((one): one is Section => one !== null);
  show({
    eyebrow: "LatticeLens autoencoders",
    title: [data.folder, element("span", { class: "soft" }, data.sampling ? `, ${data.sampling}` : "")],
    head: head(data, all, rows),
    sections,
    footer:
      "Written by latticelens report. FVU is fvu_dataset unless said otherwise: squared error over the variance about the " +
      "mean of all activations. Losses are in nats per token.",
  });
}
