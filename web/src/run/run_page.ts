// The page of one run.
import type { Section } from "../blocks";
import type { Run } from "../data";
import { element } from "../elements";
import { show } from "../layout";
import { certificatesSection } from "./certificates_section";
import { doneSection } from "./done_section";
import { layersSection } from "./layers_section";
import { learningSection } from "./learning_section";
import { lossSection } from "./loss_section";
import { rotationSection } from "./rotation_section";
import { scalesSection } from "./scales_section";
import { shareSection } from "./share_section";
import { tasksSection } from "./tasks_section";
import { timeSection } from "./time_section";
import { tokensSection } from "./tokens_section";
import { verdictHead } from "./verdict";

function folderName(run: Run): string {
  return run.folder.split("/").filter(Boolean).at(-1) ?? run.folder;
}

export function showRun(run: Run): void {
  const sections = [
    doneSection(run),
    lossSection(run),
    tokensSection(run),
    tasksSection(run),
    learningSection(run),
    layersSection(run),
    certificatesSection(run),
    shareSection(run),
    scalesSection(run),
    rotationSection(run),
    timeSection(run),
  ].filter((section): section is Section => section !== null);
  const method = element("span", { class: "soft" }, `, ${run.preset || `own method (${folderName(run)})`}`);
  show({
    eyebrow: "LatticeLens report",
    title: [run.model?.name ?? "model", method],
    head: verdictHead(run),
    sections,
    footer: "Written by latticelens report. Losses are in nats per token, natural logarithms throughout.",
  });
}
