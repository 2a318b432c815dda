// Curves over numbers: two axes, linear or logarithmic, and a legend.
import * as Plot from "@observablehq/plot";
import { legend, scroller } from "../blocks";
import type { Known } from "../data";
import { element } from "../elements";
import { known, powerOfTen, trimmed } from "../numbers";
import { axisOf, drawn, type Label, type Range, rangeOf, type Spacing, wideWidth } from "./chart";

export interface Curve {
  name: string;
  color: string;
  points: [Known, Known][]; // x ascending
  dashed?: boolean;
}

export interface CurveChart {
  description: string;
  xLabel: string;
  yLabel: string;
  xSpacing: Spacing;
  ySpacing: Spacing;
  curves: Curve[];
  wholeSteps?: boolean; // x counts something
  xTicks?: number[];
  xText?: (value: number) => string;
  size?: "half"; // two beside each other
  withoutKey?: boolean; // one is shown elsewhere
}

interface Point {
  name: string;
  color: string;
  x: number;
  y: number;
}

/** Powers of ten that would be long as decimals are short as powers. */
export function axisText(value: number): string {
  const exponent = Math.log10(value);
  if (value > 0 && Math.abs(exponent) > 3.5 && Math.abs(exponent - Math.round(exponent)) < 1e-9)
    return powerOfTen(Math.round(exponent));
  return trimmed(value, 4);
}

/** Plot drops texts of a "log" scale that it finds crowded; far above its constant "symlog" is the same. */
function namedTicks(ticks: number[], domain: Range, spacing: Spacing, text: Label): Plot.ScaleOptions {
  return spacing === "linear"
    ? { type: "linear", domain, ticks, tickFormat: text }
    : { type: "symlog", constant: domain[0] / 1e6, domain, ticks, tickFormat: text };
}

const mostDots = 40; // of a curve that shows its points

export function curveChart(chart: CurveChart): HTMLElement {
  const drawable = (value: Known, spacing: Spacing): value is number =>
    known(value) && (spacing === "linear" || value > 0);
  const curves = chart.curves.map((curve) =>
    curve.points.flatMap(([x, y]): Point[] =>
      drawable(x, chart.xSpacing) && drawable(y, chart.ySpacing)
        ? [{ name: curve.name, color: curve.color, x, y }]
        : [],
    ),
  );
  const points = curves.flat();
  const xRange = rangeOf(
    points.map((point) => point.x),
    chart.xSpacing,
  );
  const yRange = rangeOf(
    points.map((point) => point.y),
    chart.ySpacing,
  );
  const xText = chart.xText ?? axisText;
  const xLabel = (value: number): string => (chart.wholeSteps && !Number.isInteger(value) ? "" : xText(value));
  const xAxis = chart.xTicks
    ? namedTicks(chart.xTicks, xRange, chart.xSpacing, xText)
    : axisOf(xRange, chart.xSpacing, xLabel, chart.size ? 5 : 7);
  const dots = curves.filter((curve) => curve.length <= mostDots).flat();
  const picture = drawn(
    {
      width: Math.min(chart.size ? 510 : 760, wideWidth()),
      height: chart.size ? 270 : 320,
      marginLeft: 62,
      marginRight: 18,
      marginTop: 26,
      marginBottom: 46,
      x: { ...xAxis, labelOffset: 40, label: chart.xLabel, labelArrow: "none" },
      y: { ...axisOf(yRange, chart.ySpacing, axisText, 6), grid: true, label: chart.yLabel, labelArrow: "none" },
      color: { type: "identity" },
      marks: [
        ...curves.map((curve, place) =>
          Plot.line(curve, {
            x: "x",
            y: "y",
            stroke: curve[0]?.color ?? "var(--ink)",
            strokeWidth: 2,
            ...(chart.curves[place]?.dashed ? { strokeDasharray: "5 3" } : {}),
          }),
        ),
        Plot.dot(dots, { x: "x", y: "y", r: 3, fill: (point: Point) => point.color }),
        Plot.tip(
          points,
          Plot.pointer({
            x: "x",
            y: "y",
            title: (point: Point) => `${point.name}: ${axisText(point.y)} at ${xText(point.x)}`,
          }),
        ),
      ],
    },
    chart.description,
  );
  const key = chart.curves.length > 1 && !chart.withoutKey ? legend(chart.curves) : null;
  return element("div", {}, key, scroller(chart.description, picture));
}
