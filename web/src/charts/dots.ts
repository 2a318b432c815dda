// A dot for each window of a text, and the mean of all with its standard error.
import * as Plot from "@observablehq/plot";
import type { Known } from "../data";
import { element } from "../elements";
import { countOf, known, significant, trimmed } from "../numbers";
import { meanOf } from "../statistics";
import { drawn, rangeOf, roomy, wideWidth } from "./chart";

/** null without any number. */
export function windowDots(title: string, values: Known[]): HTMLElement | null {
  const mean = meanOf(values);
  if (!known(mean.value)) return null;
  const error = mean.standardError ?? 0;
  const [low, high] = [mean.value - error, mean.value + error];
  const range = roomy(rangeOf([...values, low, high], "linear"), "linear", 0.08);
  const dots = values.flatMap((value, place) => (known(value) ? [{ window: place + 1, value }] : []));
  const text = `mean ${significant(mean.value)}${known(mean.standardError) ? ` ± ${significant(error, 2)}` : ""}`;
  const picture = drawn(
    {
      width: Math.min(510, wideWidth()),
      height: 220,
      marginLeft: 52,
      marginRight: 12,
      marginTop: 10,
      marginBottom: 38,
      x: {
        domain: [0.4, Math.max(1, values.length) + 0.6],
        ticks: Math.min(8, values.length),
        tickFormat: (tick: number) => (Number.isInteger(tick) ? String(tick) : ""),
        label: "window of the text",
        labelArrow: "none",
      },
      y: { domain: range, ticks: 5, grid: true, tickFormat: (tick: number) => trimmed(tick, 4), label: null },
      marks: [
        Plot.rect([{}], { x1: 0.4, x2: Math.max(1, values.length) + 0.6, y1: low, y2: high, fill: "var(--band)" }),
        Plot.ruleY([mean.value], { stroke: "var(--accent)", strokeWidth: 1.5 }),
        Plot.dot(dots, {
          x: "window",
          y: "value",
          r: values.length > 60 ? 2 : 4,
          fill: "var(--paper)",
          stroke: "var(--accent)",
          strokeWidth: 2,
        }),
        Plot.tip(
          dots,
          Plot.pointer({
            x: "window",
            y: "value",
            title: (dot: { window: number; value: number }) => `window ${dot.window}: ${significant(dot.value, 4)}`,
          }),
        ),
      ],
    },
    `${title}: ${text}, over ${countOf(mean.count, "window")}`,
  );
  return element(
    "div",
    { class: "panel" },
    element("h4", {}, title, element("span", { class: "soft" }, `, ${text}`)),
    picture,
  );
}
