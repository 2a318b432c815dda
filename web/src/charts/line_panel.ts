// A small chart of lines over equal steps (layers, places): one of several with the same axis.
import * as Plot from "@observablehq/plot";
import type { Known } from "../data";
import { element } from "../elements";
import { known } from "../numbers";
import { axisOf, drawn, type Label, type Range, type Spacing } from "./chart";

export interface Line {
  name: string;
  color: string;
  values: Known[];
  dashed?: boolean;
}

export interface LinePanel {
  title: string;
  lines: Line[];
  range: Range;
  spacing: Spacing;
  label: Label;
  xLabel: string;
  yLabel?: string;
  width?: number;
  height?: number;
}

interface Point {
  x: number;
  y: number;
  name: string;
}

function pointsOf(line: Line, spacing: Spacing): (Point | { x: number; y: number })[] {
  return line.values.map((value, x) =>
    known(value) && (spacing === "linear" || value > 0) ? { x, y: value, name: line.name } : { x, y: NaN },
  );
}

function marksOf(line: Line, spacing: Spacing): Plot.Markish[] {
  const points = pointsOf(line, spacing);
  const single = points.length < 2;
  return [
    Plot.line(points, {
      x: "x",
      y: "y",
      stroke: line.color,
      strokeWidth: line.dashed ? 1.3 : 2,
      ...(line.dashed ? { strokeDasharray: "4 3" } : {}),
    }),
    ...(single ? [Plot.dot(points, { x: "x", y: "y", fill: line.color })] : []),
  ];
}

/** Whole numbers, at most about five of them. */
function stepTicks(count: number): number[] {
  const wide = Math.max(1, Math.ceil((count - 1) / 4));
  const readable = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => step >= wide) ?? wide;
  return Array.from({ length: Math.ceil(count / readable) }, (_, place) => place * readable);
}

export function linePanel(panel: LinePanel): HTMLElement {
  const count = Math.max(1, ...panel.lines.map((line) => line.values.length));
  const all = panel.lines.flatMap((line) => pointsOf(line, panel.spacing)).filter((point) => "name" in point);
  const tip = Plot.tip(
    all,
    Plot.pointer({
      x: "x",
      y: "y",
      title: (point: Point) => `${point.name}, ${panel.xLabel} ${point.x}: ${panel.label(point.y)}`,
    }),
  );
  const picture = drawn(
    {
      width: panel.width ?? 250,
      height: panel.height ?? 168,
      marginLeft: 50,
      marginRight: 10,
      marginTop: panel.yLabel ? 22 : 8,
      marginBottom: 34,
      x: {
        domain: [0, Math.max(1, count - 1)],
        ticks: stepTicks(count),
        tickFormat: String,
        label: panel.xLabel,
        labelArrow: "none",
      },
      y: {
        ...axisOf(panel.range, panel.spacing, panel.label, 4),
        grid: true,
        label: panel.yLabel ?? null,
        labelArrow: "none",
      },
      marks: [...panel.lines.flatMap((line) => marksOf(line, panel.spacing)), tip],
    },
    `${panel.title}, by ${panel.xLabel}`,
  );
  return element("div", { class: "panel" }, element("h4", {}, panel.title), picture);
}

/** Panels side by side, as many as there is room for. */
export function multiples(panels: HTMLElement[]): HTMLElement {
  return element("div", { class: "multiples" }, panels);
}
