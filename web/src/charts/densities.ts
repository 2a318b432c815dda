// Histograms over powers of ten below each other, on one axis: shares of all that each row has.
import * as Plot from "@observablehq/plot";
import { scroller } from "../blocks";
import type { LatentDensity } from "../data";
import { countOf, percent, powerOfTen } from "../numbers";
import { drawn, wideWidth } from "./chart";

export interface DensityRow {
  name: string;
  note: string;
  density: LatentDensity;
  all: number;
}

interface Bin {
  name: string;
  from: number;
  to: number;
  share: number;
  count: number;
}

/** Bins end where the next one starts; the first holds all that is below `start`. */
function binsOf({ name, density, all }: DensityRow): Bin[] {
  return density.counts.flatMap((count, place) => {
    const from = density.start + (place - 1) * density.step;
    return count > 0 ? [{ name, from, to: from + density.step, count, share: all > 0 ? count / all : 0 }] : [];
  });
}

export function densities(description: string, rows: DensityRow[], unit: string, axis: string): HTMLElement {
  const bins = rows.flatMap(binsOf);
  const low = Math.floor(Math.min(-1, ...bins.map((bin) => bin.from)));
  const high = Math.max(0, ...bins.map((bin) => bin.to));
  const every = Math.max(1, Math.ceil((high - low) / 14));
  const ticks = Array.from({ length: Math.floor(high) - low + 1 }, (_, place) => low + place).filter(
    (tick) => tick % every === 0,
  );
  const longest = Math.max(...rows.map((row) => row.name.length));
  const title = (bin: Bin): string =>
    `${bin.name}, ${powerOfTen(Math.round(100 * bin.from) / 100)} to ${powerOfTen(Math.round(100 * bin.to) / 100)}: ` +
    `${countOf(bin.count, unit)}, ${percent(bin.share)}`;
  const picture = drawn(
    {
      width: Math.max(560, Math.min(860, wideWidth())),
      height: rows.length * 36 + 48,
      marginLeft: Math.min(220, longest * 7 + 20),
      marginRight: 150,
      marginTop: 4,
      marginBottom: 45,
      x: {
        type: "linear",
        domain: [low, high],
        ticks,
        tickFormat: (tick: number) => powerOfTen(tick),
        label: axis,
        labelArrow: "none",
        labelAnchor: "center",
      },
      y: { axis: null, domain: [0, Math.max(1e-9, ...bins.map((bin) => bin.share))] },
      fy: { domain: rows.map((row) => row.name), axis: "left", label: null, padding: 0.12 },
      marks: [
        Plot.rectY(bins, { fy: "name", x1: "from", x2: "to", y: "share", fill: "var(--accent)", inset: 0.5 }),
        Plot.ruleY([0], { stroke: "var(--hair)" }),
        Plot.text(rows, {
          fy: "name",
          text: "note",
          frameAnchor: "right",
          dx: 144,
          textAnchor: "end",
          fill: "var(--soft)",
        }),
        Plot.tip(bins, Plot.pointerX({ fy: "name", x1: "from", x2: "to", y: "share", title })),
      ],
    },
    `${description}; ${rows.map((row) => `${row.name}: ${row.note}`).join("; ")}`,
  );
  return scroller(description, picture);
}
