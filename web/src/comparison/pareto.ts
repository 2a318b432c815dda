// What a run costs against how far it is from the original; the line joins the runs that no other beats.
import * as Plot from "@observablehq/plot";
import { figure } from "../blocks";
import { nameMark, placeNames } from "../charts/dot_names";
import { axisOf, drawn, logarithmicTicks, type Range, rangeOf, roomy, wideWidth } from "../charts/chart";
import type { ComparedRun, Known } from "../data";
import { element, paragraph } from "../elements";
import { known, significant, sizeText, timeText, trimmed } from "../numbers";

interface Price {
  name: string;
  axis: string;
  value: (run: ComparedRun) => Known;
  label: (value: number) => string;
  logarithmic: boolean;
}

const prices: Price[] = [
  {
    name: "bits a weight",
    axis: "bits a quantized weight, scales included",
    value: (run) => run.bitsPerWeight,
    label: (value) => trimmed(value, 4),
    logarithmic: false,
  },
  {
    name: "size of the model folder",
    axis: "size of the model folder",
    value: (run) => run.modelBytes,
    label: sizeText,
    logarithmic: false,
  },
  {
    name: "time to quantize",
    axis: "time to quantize (logarithmic)",
    value: (run) => run.seconds,
    label: timeText,
    logarithmic: true,
  },
  {
    name: "peak memory",
    axis: "peak memory of quantizing",
    value: (run) => run.peakMemory,
    label: sizeText,
    logarithmic: false,
  },
];

interface Dot {
  name: string;
  x: number;
  y: number;
  best: boolean;
}

function dotsOf(runs: ComparedRun[], price: Price): Dot[] {
  const dots = runs.flatMap((run): Dot[] => {
    const x = price.value(run);
    const y = run.evaluation?.kl ?? null;
    return known(x) && known(y) && y > 0 ? [{ name: run.name, x, y, best: false }] : [];
  });
  for (const dot of dots) dot.best = !dots.some((other) => beats(other, dot));
  return dots;
}

/** Prices within half a hundredth are the same. */
function beats(one: Dot, other: Dot): boolean {
  const cheaper = one.x < other.x * 0.995;
  const asCheap = one.x <= other.x * 1.005;
  return asCheap && one.y <= other.y && (cheaper || one.y < other.y);
}

/** Do the runs differ in it by more than a hundredth? */
function tellsApart(runs: ComparedRun[], price: Price): boolean {
  const [low, high] = rangeOf(
    dotsOf(runs, price).map((dot) => dot.x),
    "linear",
  );
  const values = new Set(dotsOf(runs, price).map((dot) => dot.x));
  return values.size > 1 && high > 1.01 * low;
}

/** The frontier as a staircase: what can be had at each price. */
function staircase(dots: Dot[]): Dot[] {
  return dots.filter((dot) => dot.best).sort((a, b) => a.x - b.x || b.y - a.y);
}

function scatter(runs: ComparedRun[], price: Price): Element {
  const dots = dotsOf(runs, price);
  const xSpacing = price.logarithmic ? "logarithmic" : "linear";
  const xRange = roomy(
    rangeOf(
      dots.map((dot) => dot.x),
      xSpacing,
    ),
    xSpacing,
  );
  const yRange: Range = roomy(
    rangeOf(
      dots.map((dot) => dot.y),
      "logarithmic",
    ),
    "logarithmic",
  );
  const width = Math.min(860, wideWidth());
  const [marginLeft, marginRight, marginTop, marginBottom, height] = [58, 20, 30, 50, 440];
  const scaled = (value: number, [low, high]: Range, logarithmic: boolean): number =>
    logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const at = (dot: Dot): [number, number] => [
    marginLeft + scaled(dot.x, xRange, price.logarithmic) * (width - marginLeft - marginRight),
    height - marginBottom - scaled(dot.y, yRange, true) * (height - marginTop - marginBottom),
  ];
  const named = dots.map((dot) => ({ name: dot.name, x: at(dot)[0], y: at(dot)[1], important: dot.best }));
  const names = placeNames(named, { left: 2, right: width - 2, top: marginTop, bottom: height - marginBottom });
  const title = (dot: Dot): string => `${dot.name}: KL ${significant(dot.y)}, ${price.name} ${price.label(dot.x)}`;
  const picture = drawn(
    {
      width,
      height,
      marginLeft,
      marginRight,
      marginTop,
      marginBottom,
      x: { ...axisOf(xRange, xSpacing, price.label, 6), label: price.axis, labelArrow: "none" },
      y: {
        type: "log",
        domain: yRange,
        ticks: logarithmicTicks(yRange, 6),
        tickFormat: (value: number) => trimmed(value),
        grid: true,
        label: "KL divergence from the original, nats per token (logarithmic)",
        labelArrow: "none",
      },
      marks: [
        Plot.line(staircase(dots), {
          x: "x",
          y: "y",
          curve: "step-after",
          stroke: "var(--accent)",
          strokeOpacity: 0.5,
          strokeWidth: 1.5,
        }),
        Plot.dot(
          [...dots].sort((a, b) => Number(a.best) - Number(b.best)),
          {
            x: "x",
            y: "y",
            r: 5.5,
            fill: (dot: Dot) => (dot.best ? "var(--accent)" : "var(--paper)"),
            stroke: "var(--accent)",
            strokeWidth: 2,
          },
        ),
        Plot.tip(dots, Plot.pointer({ x: "x", y: "y", title })),
      ],
      color: { type: "identity" },
    },
    `KL divergence against ${price.name}: ${dots.map(title).join("; ")}`,
  );
  picture.append(...names.map(nameMark));
  return picture;
}

export interface Pareto {
  element: HTMLElement;
  show: (runs: ComparedRun[]) => void;
}

/** `show` draws it anew for the runs that a filter leaves. */
export function pareto(all: ComparedRun[]): Pareto {
  const useful = prices.filter((price) => dotsOf(all, price).length > 1);
  const first = useful.find((price) => tellsApart(all, price)) ?? useful[0];
  if (!first) {
    const note = paragraph("soft", "A plot needs two runs that were evaluated against their original.");
    return { element: note, show: () => undefined };
  }
  const select = element(
    "select",
    { id: "price" },
    useful.map((price) => element("option", { value: price.name }, price.name)),
  );
  select.value = first.name;
  const place = element("div", {
    class: "scroll",
    role: "region",
    tabindex: "0",
    "aria-label": "Divergence against price",
  });
  let runs = all;
  const draw = (): void => {
    const price = useful.find(({ name }) => name === select.value) ?? first;
    const enough = dotsOf(runs, price).length > 0;
    place.replaceChildren(enough ? scatter(runs, price) : paragraph("soft", "The filter leaves no run to draw."));
  };
  select.addEventListener("change", draw);
  draw();
  const label = element("label", { for: "price" }, "KL divergence against");
  const made = figure(
    "",
    [element("div", { class: "filter" }, label, select), place],
    "Lower left is better. Filled: no other run is both closer to the original and cheaper; the line is what can be had " +
      "at each price. A dot whose name finds no room tells it when pointed at; the filter above draws fewer.",
  );
  return {
    element: made,
    show: (some) => {
      runs = some;
      draw();
    },
  };
}
