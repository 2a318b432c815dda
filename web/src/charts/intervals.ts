// Values with the band of one standard error on each side, several for each name.
import * as Plot from "@observablehq/plot";
import { scroller } from "../blocks";
import type { Known } from "../data";
import { known } from "../numbers";
import { drawn, type Label, wideWidth } from "./chart";

export interface Interval {
  name: string;
  who: string;
  value: Known;
  error: Known;
  color: string;
}

export interface IntervalChart {
  description: string;
  intervals: Interval[]; // those of one name stand together
  label: Label;
  axis: string;
  nameWidth: number;
}

export function intervalChart(chart: IntervalChart): HTMLElement {
  const rows = chart.intervals.filter((row) => known(row.value));
  const names = [...new Set(rows.map((row) => row.name))];
  const who = [...new Set(rows.map((row) => row.who))];
  const low = (row: Interval): number => (row.value ?? 0) - (row.error ?? 0);
  const high = (row: Interval): number => (row.value ?? 0) + (row.error ?? 0);
  const title = (row: Interval): string =>
    `${row.name}, ${row.who}: ${chart.label(row.value ?? 0)}${known(row.error) ? ` ± ${chart.label(row.error)}` : ""}`;
  const picture = drawn(
    {
      width: Math.min(760, wideWidth()),
      height: names.length * (14 + 13 * who.length) + 46,
      marginLeft: chart.nameWidth,
      marginRight: 16,
      marginTop: 4,
      marginBottom: 45,
      x: { grid: true, nice: true, ticks: 6, tickFormat: chart.label, label: chart.axis, labelArrow: "none" },
      y: { domain: who, axis: null, padding: 0.4 },
      fy: { domain: names, label: null, axis: "left", padding: 0.2 },
      color: { type: "identity" },
      marks: [
        Plot.ruleY(
          rows.filter((row) => known(row.error)),
          {
            fy: "name",
            y: "who",
            x1: low,
            x2: high,
            stroke: (row: Interval) => row.color,
            strokeWidth: 2.5,
            strokeLinecap: "round",
            strokeOpacity: 0.55,
          },
        ),
        Plot.dot(rows, { fy: "name", y: "who", x: "value", r: 4.5, fill: (row: Interval) => row.color }),
        Plot.tip(rows, Plot.pointer({ fy: "name", y: "who", x: "value", title })),
      ],
    },
    `${chart.description}: ${rows.map(title).join("; ")}`,
  );
  return scroller(chart.description, picture);
}
