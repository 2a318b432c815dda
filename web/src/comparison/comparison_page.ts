// The page that shows several runs beside each other.
import { alarm, figure, section, type Section, tilesOf } from "../blocks";
import { intervalChart } from "../charts/intervals";
import type { ComparedRun, Comparison, Evaluation } from "../data";
import { type Content, element, paragraph } from "../elements";
import { show } from "../layout";
import { countOf, fixed, known, percent, significant, trimmed, trimmedPercent, whole } from "../numbers";
import { methodWords } from "../run/done_section";
import { meanOf } from "../statistics";
import { table } from "../table";
import { layersFigure } from "./layers";
import { pareto } from "./pareto";
import { runsTable } from "./runs_table";

function evaluated(runs: ComparedRun[]): (ComparedRun & { evaluation: Evaluation })[] {
  return runs.filter((run): run is ComparedRun & { evaluation: Evaluation } => known(run.evaluation?.kl));
}

function verdict(runs: ComparedRun[]): string {
  const sorted = evaluated(runs).sort((a, b) => (a.evaluation.kl ?? 0) - (b.evaluation.kl ?? 0));
  const best = sorted[0];
  if (!best) return `${countOf(runs.length, "run")}, none of which was compared with its original.`;
  const bits = known(best.bitsPerWeight) ? ` at ${trimmed(best.bitsPerWeight)} bits a weight` : "";
  const second = sorted[1];
  const next = second ? `; next ${second.name}, ${significant(second.evaluation.kl)}` : "";
  return `${best.name} stays closest to the original${bits}: KL divergence ${significant(best.evaluation.kl)} nats per token${next}.`;
}

function sameEvaluation(a: Evaluation, b: Evaluation): boolean {
  return a.window === b.window && a.text.join() === b.text.join() && a.windowLoss.length === b.windowLoss.length;
}

/** Losses on different texts do not compare. */
function warning(runs: ComparedRun[]): Content {
  const [first, ...others] = evaluated(runs);
  if (!first) return null;
  const different = others.filter((run) => !sameEvaluation(first.evaluation, run.evaluation)).map((run) => run.name);
  if (different.length === 0) return null;
  return alarm(
    `Not the same measurement: ${different.join(", ")} was evaluated on another text or other windows than ${first.name}, so their losses do not compare.`,
  );
}

function tiles(runs: ComparedRun[]): Content {
  const row = evaluated(runs)[0]?.evaluation;
  if (!row) return null;
  const failed = runs.filter((run) => run.obstacle).length;
  const models = [...new Set(runs.map((run) => run.model).filter((model): model is string => model !== null))];
  const windows = `${countOf(row.windowLoss.length, "window")} of ${countOf(row.window, "token")}`;
  return [
    tilesOf([
      { name: "Runs", value: whole(runs.length), note: failed > 0 ? `${failed} without numbers` : "all with numbers" },
      { name: "Original’s perplexity", value: fixed(row.originalPerplexity, 2), note: `on ${row.text.join(", ")}` },
    ]),
    paragraph(
      "soft",
      `${models.join(", ")}${models.length > 0 ? "; " : ""}evaluated on ${windows} of ${row.text.join(", ")}.`,
    ),
  ];
}

function divergenceSection(runs: ComparedRun[]): Section | null {
  const rows = evaluated(runs).sort((a, b) => (a.evaluation.kl ?? 0) - (b.evaluation.kl ?? 0));
  if (rows.length < 2) return null;
  const longest = Math.max(...rows.map((run) => run.name.length));
  const chart = intervalChart({
    description: "KL divergence by run",
    intervals: rows.map((run) => ({
      name: run.name,
      who: "KL",
      value: run.evaluation.kl,
      error: meanOf(run.evaluation.windowKl).standardError,
      color: "var(--accent)",
    })),
    label: (value) => trimmed(value),
    axis: "KL divergence from the original, nats per token",
    nameWidth: Math.min(280, longest * 7.4 + 20),
  });
  return section(
    "divergence",
    "Divergence with its interval",
    null,
    figure(
      "",
      chart,
      "Mean over windows ± one standard error. The windows are the same for all runs, so differences between runs are surer than these lines say.",
    ),
  );
}

function tasksSection(runs: ComparedRun[]): Section | null {
  const rows = runs.filter((run) => run.tasks !== null);
  const names = [...new Set(rows.flatMap((run) => run.tasks?.tasks.map((task) => task.name) ?? []))];
  if (rows.length === 0) return null;
  const longest = Math.max(...rows.map((run) => run.name.length));
  const original = rows[0]?.tasks?.mean;
  const chart = intervalChart({
    description: "Mean share of right answers by run",
    intervals: [
      ...(known(original?.original)
        ? [
            {
              name: "original",
              who: "mean",
              value: original.original,
              error: original.originalStandardError,
              color: "var(--soft)",
            },
          ]
        : []),
      ...rows.map((run) => ({
        name: run.name,
        who: "mean",
        value: run.tasks?.mean.value ?? null,
        error: run.tasks?.mean.standardError ?? null,
        color: "var(--accent)",
      })),
    ],
    label: (value) => trimmedPercent(value),
    axis: "mean share of right answers",
    nameWidth: Math.min(280, longest * 7.4 + 20),
  });
  const columns = [
    { name: "run", cell: (run: ComparedRun): string => run.name },
    ...names.map((name) => ({
      name,
      number: true,
      best: "highest" as const,
      cell: (run: ComparedRun): string => percent(valueOf(run, name)),
      value: (run: ComparedRun) => valueOf(run, name),
    })),
    { name: "p", number: true, cell: (run: ComparedRun): string => significant(run.tasks?.mean.p ?? null, 2) },
  ];
  return section(
    "tasks",
    "Questions of multiple choice",
    null,
    figure("", chart, "Mean over tasks ± one standard error over questions."),
    table("Share of right answers (acc_norm where there is one, else acc)", columns, rows),
    paragraph("soft", "p: McNemar’s exact test over all questions against the original’s answers, two-sided."),
  );
}

function valueOf(run: ComparedRun, name: string): number | null {
  const metrics = run.tasks?.tasks.find((task) => task.name === name)?.metrics ?? [];
  return (metrics.find((metric) => metric.name === "acc_norm") ?? metrics[0])?.value ?? null;
}

function methodsSection(runs: ComparedRun[]): Section {
  const items = runs.map((run) =>
    element(
      "details",
      {},
      element("summary", {}, `${run.name}: `, element("code", {}, run.method.text || "method not known")),
      methodWords(run.method),
    ),
  );
  return section("methods", "Methods, word by word", null, items);
}

function layersSection(runs: ComparedRun[]): Section | null {
  const figures = layersFigure(runs);
  return figures ? section("layers", "Error per layer", null, figures) : null;
}

export function showComparison({ runs }: Comparison): void {
  const plot = pareto(runs);
  const sections = [
    section("table", "The runs", null, runsTable(runs, plot.show)),
    section("pareto", "Price against divergence", null, plot.element),
    divergenceSection(runs),
    tasksSection(runs),
    layersSection(runs),
    methodsSection(runs),
  ].filter((one): one is Section => one !== null);
  show({
    eyebrow: "LatticeLens comparison",
    title: `${countOf(runs.length, "run")} beside each other`,
    head: [warning(runs), paragraph("verdict", verdict(runs)), tiles(runs)],
    sections,
    footer: "Written by latticelens report. Losses are in nats per token, natural logarithms throughout.",
  });
}
