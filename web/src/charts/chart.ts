// What all charts share: the frame around Plot, sizes, ticks and the ranges of axes.
import * as Plot from "@observablehq/plot";
import type { Known } from "../data";
import { known } from "../numbers";

export type Spacing = "linear" | "logarithmic";
export type Range = [low: number, high: number];
export type Label = (value: number) => string;

/** The widest that a chart gets; narrower where the window is. */
export function wideWidth(): number {
  return Math.max(330, Math.min(1052, document.documentElement.clientWidth - 48));
}

/** `description`: what readers hear who do not see the picture. */
export function drawn(options: Plot.PlotOptions, description: string): Element {
  const picture = Plot.plot({
    style: { background: "none", color: "inherit", fontSize: "12px", overflow: "visible" },
    ...options,
    figure: false,
  });
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", description);
  return picture;
}

/** The range of what can be drawn; never empty. */
export function rangeOf(values: (Known | undefined)[], spacing: Spacing): Range {
  const shown = values.filter((value): value is number => known(value) && (spacing === "linear" || value > 0));
  if (shown.length === 0) return spacing === "linear" ? [0, 1] : [0.1, 1];
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  if (spacing === "logarithmic") return low < high * 0.999 ? [low, high] : [low / 2, low * 2];
  const room = Math.abs(low) * 0.05 || 1;
  return low < high ? [low, high] : [low - room, low + room];
}

/** With room at both ends. */
export function roomy(range: Range, spacing: Spacing, share = 0.06): Range {
  if (spacing === "linear") {
    const room = share * (range[1] - range[0]);
    return [range[0] - room, range[1] + room];
  }
  const room = (range[1] / range[0]) ** share;
  return [range[0] / room, range[1] * room];
}

/** Round numbers between the ends: powers of ten where the range is long, steps of them where it is short. */
export function logarithmicTicks([low, high]: Range, wanted = 5): number[] {
  const decades = Math.log10(high / low);
  const stride = Math.max(1, Math.ceil(decades / wanted));
  const stepsOf = [
    [1],
    [1, 3],
    [1, 2, 5],
    [1, 1.5, 2, 3, 5, 7],
    [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9],
  ];
  let ticks: number[] = [];
  for (const steps of stepsOf) {
    ticks = ticksBetween([low, high], steps, stride);
    if (ticks.length >= Math.min(3, wanted)) break;
  }
  return ticks.length > 1 ? ticks : [low, high];
}

function ticksBetween([low, high]: Range, steps: number[], stride: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power)
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (power % stride === 0 && tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
    }
  return ticks;
}

export function axisOf(range: Range, spacing: Spacing, label: Label, wanted = 5): Plot.ScaleOptions {
  return spacing === "linear"
    ? { type: "linear", domain: range, ticks: wanted, tickFormat: label }
    : { type: "log", domain: range, ticks: logarithmicTicks(range, wanted), tickFormat: label };
}

/** The same colours in an order in which neighbours differ more: for lines without a kind. */
export function lineColor(place: number): string {
  return `var(--k${[0, 6, 2, 4, 3, 5, 1, 7][place % 8]})`;
}

/** The colours of kinds, told apart also by colour-blind readers: c0 to c7 of the style sheet. */
export function kindColor(place: number): string {
  return `var(--k${place % 8})`;
}
