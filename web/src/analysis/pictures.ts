// The charts of an analysis, which come as data.
import { figure } from "../blocks";
import { curveChart } from "../charts/curves";
import { type HistogramRow, histograms } from "../charts/histograms";
import type { AnalysisEntry, CurvesPicture, ExponentsPicture, Known, TablePicture } from "../data";
import { element } from "../elements";
import { powerOfTwo, significant } from "../numbers";
import { exponentAt } from "../statistics";
import { table } from "../table";

const order = [0, 6, 2, 4, 3, 5, 1, 7];

/** Rotations have the same colour on the whole page. */
function colorOf(name: string, place: number): string {
  if (name === "none") return "var(--ink)";
  if (name === "full") return "var(--k6)";
  if (name === "block") return "var(--k2)";
  return `var(--k${order[place % order.length]})`;
}

function rotationWords(name: string): string {
  return ["none", "full", "block"].includes(name) ? `${name === "none" ? "no" : name} rotation` : name;
}

function curves(picture: CurvesPicture): HTMLElement {
  const chart = curveChart({
    description: `${picture.title}: ${picture.y} by ${picture.x}`,
    xLabel: picture.x,
    yLabel: picture.y,
    xSpacing: picture.xLogarithmic ? "logarithmic" : "linear",
    ySpacing: picture.yLogarithmic ? "logarithmic" : "linear",
    curves: picture.curves.map(({ name, points }, place) => ({
      name: rotationWords(name),
      color: colorOf(name, place),
      points,
    })),
  });
  return figure(picture.title, chart, picture.caption);
}

function exponents(picture: ExponentsPicture): HTMLElement {
  const rows = picture.rows.flatMap(({ name, counts }, place): HistogramRow[] => {
    if (counts.length === 0) return [];
    const note = `median ${powerOfTwo(exponentAt(counts, 0.5))}, up to ${powerOfTwo(counts.at(-1)?.[0] ?? 0)}`;
    return [{ name: rotationWords(name), color: colorOf(name, place), counts, note }];
  });
  return figure(picture.title, histograms(picture.title, rows, "block", "power of two"), picture.caption);
}

function cells(picture: TablePicture): HTMLElement {
  type Row = (string | Known)[];
  const columns = picture.columns.map((name, place) => ({
    name,
    number: place > 0,
    cell: (row: Row): string => {
      const cell = row[place] ?? null;
      return typeof cell === "string" ? rotationWords(cell) : significant(cell);
    },
  }));
  return element("figure", {}, table(picture.title, columns, picture.rows), element("figcaption", {}, picture.caption));
}

export function picture(one: AnalysisEntry["pictures"][number]): HTMLElement {
  if (one.kind === "curves") return curves(one);
  return one.kind === "exponents" ? exponents(one) : cells(one);
}
