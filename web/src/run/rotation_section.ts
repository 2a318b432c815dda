// What the rotations did to the blocks' scales: the weights as the model has them, and as they were
// rounded.
import { figure, legend, section, type Section } from "../blocks";
import { type Bar, bars } from "../charts/bars";
import { histograms } from "../charts/histograms";
import type { Exponents, Known, Linear, RotationEffect, Run } from "../data";
import { percent, powerOfTwo } from "../numbers";
import { addExponents, exponentAt, meanSquaredScale, ratio, sumOf } from "../statistics";
import { type Kind, kindsOf } from "./kinds";

type Rotated = Linear & { rotation: RotationEffect };

function rotated(linears: Linear[]): Rotated[] {
  return linears.filter((linear): linear is Rotated => linear.rotation !== null);
}

function before(linears: Linear[]): Exponents {
  return addExponents(rotated(linears).map((linear) => linear.rotation.before));
}

function after(linears: Linear[]): Exponents {
  return addExponents(rotated(linears).map((linear) => linear.rotation.after));
}

/** The mean squared scale that is left, each side over its weights' energy. */
function remaining(linears: Linear[]): Known {
  const energy = (value: (linear: Rotated) => Known): number =>
    sumOf(rotated(linears).map((linear) => value(linear) ?? NaN));
  const turned = ratio(
    meanSquaredScale(after(linears)),
    energy((linear) => linear.weightEnergy),
  );
  const without = ratio(
    meanSquaredScale(before(linears)),
    energy((linear) => linear.rotation.energyBefore),
  );
  return ratio(turned, without);
}

function spread(counts: Exponents): string {
  return `${powerOfTwo(exponentAt(counts, 0.05))} to ${powerOfTwo(exponentAt(counts, 0.95))}`;
}

function histogramsOf(kinds: Kind[]): HTMLElement {
  const rows = kinds.map((kind) => {
    const counts = after(kind.linears);
    const outline = before(kind.linears);
    return { name: kind.label, color: kind.color, counts, outline, note: `${spread(outline)} → ${spread(counts)}` };
  });
  return histograms(
    "Scales with and without rotations, by kind of linear",
    rows,
    "scale",
    "scale of a block of weights",
  );
}

function barsOf(kinds: Kind[]): Bar[] {
  return kinds.map(({ label, color, linears }) => {
    const value = remaining(linears);
    return { name: label, color, value, text: percent(value), reference: 1 };
  });
}

/** null when the run has no rotation, or does not know the scales without it. */
export function rotationSection(run: Run): Section | null {
  const linears = rotated(run.linears);
  const kinds = kindsOf({ ...run, linears });
  if (kinds.length === 0) return null;
  const all = percent(remaining(linears));
  return section(
    "rotation",
    "What rotations did to the scales",
    `Rotated, the weights’ blocks have ${all} of the mean squared scale that they would have without rotations, for the same energy.`,
    figure(
      "Blocks’ scales with and without rotations",
      [
        legend([
          { name: "filled: with rotations", color: "var(--k0)" },
          { name: "outline: without rotations", color: "var(--ink)" },
        ]),
        histogramsOf(kinds),
      ],
      "The numbers are the middle nine tenths of the scales, without and with rotations. Rotations spread outliers over " +
        "their block, so that its largest weight, and with it the scale, falls; where there are none they can raise it. " +
        "Scales as rounding to nearest chooses them; without rotations the weights are as the model has them, norm gains " +
        "not folded.",
    ),
    figure(
      "Mean squared scale that is left",
      bars("Mean squared scale with rotations as a share of that without", barsOf(kinds)),
      "For the same energy; the line is 1, no change. The error of rounding to nearest goes with the square of the scale. " +
        "What rotations do to the inputs, latticelens analyse shows.",
    ),
  );
}
