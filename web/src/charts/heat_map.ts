// A cell for each layer and kind, coloured in ten steps; the steps are shown below with their values.
import * as Plot from "@observablehq/plot";
import { scroller } from "../blocks";
import type { Known } from "../data";
import { type Content, element } from "../elements";
import { known } from "../numbers";
import { drawn, type Label, type Range, rangeOf, type Spacing, wideWidth } from "./chart";

const steps = 10;

export interface HeatMap {
  description: string;
  legend: string;
  rows: { name: string; values: Known[] }[];
  columns: number;
  columnName: string;
  columnNames?: string[]; // instead of numbers; few columns, whose cells tell their values
  spacing: Spacing;
  label: Label;
}

/** Between the 2nd and the 98th percentile: a few extreme cells must not take all the colours. */
function middleRange(map: HeatMap): Range {
  const values = map.rows
    .flatMap((row) => row.values)
    .filter((value): value is number => known(value) && (map.spacing === "linear" || value > 0))
    .sort((a, b) => a - b);
  const cut = Math.floor(values.length / 50);
  return rangeOf(values.slice(cut, values.length - cut), map.spacing);
}

/** Where each step but the first starts. */
function startsOf([low, high]: Range, spacing: Spacing): number[] {
  return Array.from({ length: steps - 1 }, (_, place) => {
    const share = (place + 1) / steps;
    return spacing === "linear" ? low + share * (high - low) : low * (high / low) ** share;
  });
}

function keyOf(map: HeatMap, range: Range, starts: number[]): HTMLElement {
  const swatches: Content[] = Array.from({ length: steps }, (_, step) => {
    const from = step === 0 ? `≤ ${map.label(range[0])}` : map.label(starts[step - 1] ?? 0);
    const swatch = element("span", { class: "step", title: from });
    swatch.style.background = `var(--h${step})`;
    return element("li", {}, swatch, step % 3 === 0 ? from : "");
  });
  return element("div", { class: "heat-key" }, element("span", {}, map.legend), element("ul", {}, swatches));
}

export function heatMap(map: HeatMap): HTMLElement {
  const names = map.columnNames;
  const width = names ? Math.min(wideWidth(), 130 + names.length * 90) : Math.max(720, wideWidth());
  const columnText = (column: number): string => names?.[column] ?? String(column);
  const range = middleRange(map);
  const starts = startsOf(range, map.spacing);
  const cells = map.rows.flatMap(({ name, values }) =>
    values.flatMap((value, column) => (known(value) ? [{ name, column, value }] : [])),
  );
  const every = Math.max(1, Math.ceil((map.columns * 26) / (width - 120)));
  const columns = Array.from({ length: map.columns }, (_, column) => column);
  const title = (cell: { name: string; column: number; value: number }): string =>
    `${cell.name}, ${map.columnName} ${columnText(cell.column)}: ${map.label(cell.value)}`;
  const picture = drawn(
    {
      width,
      height: map.rows.length * (names ? 36 : 27) + 44,
      marginLeft: 110,
      marginRight: 2,
      marginTop: 2,
      marginBottom: 44,
      x: {
        type: "band",
        domain: columns,
        ticks: columns.filter((column) => column % every === 0),
        tickFormat: columnText,
        tickSize: 0,
        label: map.columnName,
        labelArrow: "none",
        padding: 0.06,
      },
      y: { domain: map.rows.map((row) => row.name), label: null, tickSize: 0, padding: 0.06 },
      color: {
        type: "threshold",
        domain: starts,
        range: Array.from({ length: steps }, (_, step) => `var(--h${step})`),
      },
      marks: [
        Plot.cell(cells, { x: "column", y: "name", fill: "value" }),
        ...(names
          ? [
              Plot.text(cells, {
                x: "column",
                y: "name",
                text: (cell: { value: number }) => map.label(cell.value),
                fill: (cell: { value: number }) =>
                  starts.filter((start) => cell.value >= start).length < steps / 2 ? "var(--ink)" : "var(--paper)",
              }),
            ]
          : []),
        Plot.tip(cells, Plot.pointer({ x: "column", y: "name", title })),
      ],
    },
    map.description,
  );
  return element("div", {}, scroller(map.description, picture), keyOf(map, range, starts));
}
