// What steps of learning did to the loss: a chart for each thing that was learned.
import { figure, legend, section, type Section } from "../blocks";
import { rangeOf } from "../charts/chart";
import { curveChart } from "../charts/curves";
import { type Line, linePanel } from "../charts/line_panel";
import { wideWidth } from "../charts/chart";
import type { Known, LearningRow, Run } from "../data";
import { countOf, known, significant, trimmed } from "../numbers";

interface Learning {
  name: string;
  rows: LearningRow[];
}

/** All rows of one learning stand together. */
function learningsOf(run: Run): Learning[] {
  const learnings: Learning[] = [];
  for (const row of run.learning) {
    const last = learnings.at(-1);
    if (last?.name === row.learns) last.rows.push(row);
    else learnings.push({ name: row.learns, rows: [row] });
  }
  return learnings;
}

function pointsOf(rows: LearningRow[], value: (row: LearningRow) => Known): [Known, Known][] {
  return rows.filter((row) => known(value(row))).map((row) => [row.step, value(row)]);
}

function stepsFigure({ name, rows }: Learning): HTMLElement {
  const own = pointsOf(rows, (row) => row.loss);
  const heldOut = pointsOf(rows, (row) => row.heldOut);
  const chart = curveChart({
    description: `Loss of each of ${countOf(own.length, "step")} of learn=${name}, and on tokens held out`,
    xLabel: "step",
    yLabel: "nats per token",
    xSpacing: "linear",
    ySpacing: "linear",
    wholeSteps: true,
    curves: [
      { name: "each step’s own tokens", color: "var(--k1)", points: own },
      { name: "tokens held out", color: "var(--k6)", points: heldOut },
    ],
  });
  return figure(
    `learn=${name}: loss over steps`,
    chart,
    "The loss is that of learning (docs/learned.md), on the calibration text. A step’s tokens differ from the next " +
      "one’s; those held out are the same before and after. What is said of layers below is of the rounding before " +
      "codes were learned.",
  );
}

function blocksFigure({ name, rows }: Learning): HTMLElement {
  const layers = Math.max(0, ...rows.map((row) => row.layer + 1));
  const values = (value: (row: LearningRow) => Known): Known[] => {
    const list: Known[] = Array.from({ length: layers }, () => null);
    for (const row of rows) list[row.layer] = value(row);
    return list;
  };
  const lines: Line[] = [
    { name: "before", color: "var(--soft)", values: values((row) => row.before), dashed: true },
    { name: "after", color: "var(--k0)", values: values((row) => row.after) },
  ];
  const panel = linePanel({
    title: `learn=${name}: error of each block’s output`,
    lines,
    range: rangeOf(
      lines.flatMap((line) => line.values),
      "logarithmic",
    ),
    spacing: "logarithmic",
    label: (value) => trimmed(value),
    xLabel: "layer",
    width: Math.min(760, wideWidth()),
    height: 240,
  });
  const key = legend(lines.map(({ name: line, color, dashed }) => ({ name: line, color, dashed: dashed ?? false })));
  return figure(
    "",
    [key, panel],
    "Mean squared error on tokens that no step saw. A block’s start depends on what was learned of the blocks before it.",
  );
}

function finding({ name, rows }: Learning): string {
  const heldOut = rows.map((row) => row.heldOut).filter(known);
  if (heldOut.length < 2) return "";
  return (
    `learn=${name} took the loss on tokens held out from ${significant(heldOut[0])} to ` +
    `${significant(heldOut.at(-1))} nats per token.`
  );
}

/** null when nothing was learned. */
export function learningSection(run: Run): Section | null {
  const learnings = learningsOf(run);
  if (learnings.length === 0) return null;
  const figures = learnings.map((learning) =>
    learning.rows.some((row) => known(row.loss)) ? stepsFigure(learning) : blocksFigure(learning),
  );
  const found = learnings.map(finding).filter(Boolean).join(" ");
  return section("learning", "Learning", found, figures);
}
