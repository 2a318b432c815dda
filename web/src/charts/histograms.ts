// Histograms of powers of two below each other, on one axis: shares of each row's blocks. A second
// histogram of a row is drawn as an outline.
import * as Plot from "@observablehq/plot";
import { scroller } from "../blocks";
import type { Exponents } from "../data";
import { countOf, percent, powerOfTwo } from "../numbers";
import { totalCount } from "../statistics";
import { drawn, wideWidth } from "./chart";

export interface HistogramRow {
  name: string;
  note: string;
  color: string;
  counts: Exponents;
  outline?: Exponents;
  outlineShift?: number; // to the right, in powers of two
}

interface Step {
  name: string;
  exponent: number;
  share: number;
  count: number;
  color: string;
}

function stepsOf(row: HistogramRow, counts: Exponents): Step[] {
  const all = totalCount(counts);
  return counts.map(([exponent, count]) => ({
    name: row.name,
    exponent,
    count,
    share: all > 0 ? count / all : 0,
    color: row.color,
  }));
}

/** The corners of a histogram's outline; zero where an exponent is missing. */
function cornersOf(row: HistogramRow): { name: string; x: number; y: number }[] {
  const steps = row.outline ? stepsOf(row, row.outline) : [];
  if (steps.length === 0) return [];
  const shares = new Map(steps.map((step) => [step.exponent, step.share]));
  const shift = row.outlineShift ?? 0;
  const first = steps[0]?.exponent ?? 0;
  const last = steps.at(-1)?.exponent ?? 0;
  const corners = [{ name: row.name, x: first - 0.5 + shift, y: 0 }];
  for (let exponent = first; exponent <= last; ++exponent) {
    const y = shares.get(exponent) ?? 0;
    const middle = exponent + shift;
    corners.push({ name: row.name, x: middle - 0.5, y }, { name: row.name, x: middle + 0.5, y });
  }
  corners.push({ name: row.name, x: last + 0.5 + shift, y: 0 });
  return corners;
}

export function histograms(description: string, rows: HistogramRow[], unit: string, axis: string): HTMLElement {
  const width = Math.max(620, Math.min(860, wideWidth()));
  const steps = rows.flatMap((row) => stepsOf(row, row.counts));
  const corners = rows.map(cornersOf);
  const exponents = [...steps.map((step) => step.exponent), ...corners.flat().map((corner) => corner.x)];
  const low = Math.floor(Math.min(...exponents));
  const high = Math.ceil(Math.max(...exponents));
  const highest = Math.max(...steps.map((step) => step.share), ...corners.flat().map((corner) => corner.y));
  const every = Math.max(1, Math.ceil((high - low) / 14));
  const ticks = Array.from({ length: high - low + 1 }, (_, place) => low + place).filter((tick) => tick % every === 0);
  const title = (step: Step): string =>
    `${step.name}, ${powerOfTwo(step.exponent)}: ${countOf(step.count, unit)}, ${percent(step.share)}`;
  const picture = drawn(
    {
      width,
      height: rows.length * 44 + 48,
      marginLeft: 112,
      marginRight: 210,
      marginTop: 4,
      marginBottom: 45,
      x: {
        type: "linear",
        domain: [low - 0.5, high + 0.5],
        ticks,
        tickFormat: (tick: number) => powerOfTwo(tick),
        label: axis,
        labelArrow: "none",
        labelAnchor: "center",
      },
      y: { axis: null, domain: [0, highest] },
      fy: { domain: rows.map((row) => row.name), axis: "left", label: null, padding: 0.12 },
      color: { type: "identity" },
      marks: [
        Plot.rectY(steps, {
          fy: "name",
          x1: (step: Step) => step.exponent - 0.46,
          x2: (step: Step) => step.exponent + 0.46,
          y: "share",
          fill: (step: Step) => step.color,
        }),
        ...corners.map((row) => Plot.line(row, { fy: "name", x: "x", y: "y", stroke: "var(--ink)", strokeWidth: 1.4 })),
        Plot.ruleY([0], { stroke: "var(--hair)" }),
        Plot.text(rows, {
          fy: "name",
          text: "note",
          frameAnchor: "right",
          dx: 204,
          textAnchor: "end",
          fill: "var(--soft)",
        }),
        Plot.tip(steps, Plot.pointerX({ fy: "name", x: "exponent", y: "share", title })),
      ],
    },
    `${description}; ${rows.map((row) => `${row.name}: ${row.note}`).join("; ")}`,
  );
  return scroller(description, picture);
}
