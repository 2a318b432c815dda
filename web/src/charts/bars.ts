// Horizontal bars with their numbers behind them, and a tick to measure each by where one is given.
import * as Plot from "@observablehq/plot";
import type { Known } from "../data";
import { scroller } from "../blocks";
import { known } from "../numbers";
import { drawn, wideWidth } from "./chart";

export interface Bar {
  name: string;
  value: Known;
  text: string;
  color: string;
  reference?: Known;
}

export function bars(description: string, rows: Bar[], nameWidth = 110): HTMLElement {
  const width = Math.min(760, wideWidth());
  const shown = rows.flatMap((row) => [row.value, row.reference]).filter(known);
  const highest = Math.max(0, ...shown) || 1;
  const longest = Math.max(0, ...rows.map((row) => row.text.length));
  const end = (row: Bar): number => Math.max(row.value ?? 0, row.reference ?? 0);
  const picture = drawn(
    {
      width,
      height: rows.length * 25 + 8,
      marginLeft: nameWidth,
      marginRight: Math.min(width / 2, longest * 6.4 + 14),
      marginTop: 2,
      marginBottom: 4,
      x: { domain: [0, highest], axis: null },
      y: { domain: rows.map((row) => row.name), label: null, tickSize: 0, padding: 0.25 },
      marks: [
        Plot.barX(rows, { x: (row: Bar) => row.value ?? 0, y: "name", fill: (row: Bar) => row.color }),
        Plot.tickX(
          rows.filter((row) => known(row.reference)),
          { x: "reference", y: "name", stroke: "var(--ink)", strokeWidth: 2 },
        ),
        Plot.text(rows, { x: end, y: "name", text: "text", textAnchor: "start", dx: 7, fill: "var(--soft)" }),
      ],
      color: { type: "identity" },
    },
    `${description}: ${rows.map((row) => `${row.name} ${row.text}`).join("; ")}`,
  );
  return scroller(description, picture);
}
