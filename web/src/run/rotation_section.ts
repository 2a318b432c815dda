// What the rotations did to the blocks' scales: the weights as the model has them, and as they were
// rounded.
import { figure, legend, section, type Section } from "../blocks";
import { type Bar, bars } from "../charts/bars";
import { histograms } from "../charts/histograms";
import type { Exponents, Known, Linear, RotationEffect, Run } from "../data";
import { percent, powerOfTwo } from "../numbers";
import { addExponents, exponentAt, meanSquaredScale, ratio, sumOf } from "../statistics";
import { type Kind, kindsOf, weightsOf } from "./kinds";

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

/** The mean squared scale of one linear that is left, each side over its weights' energy. */
function remainingOf({ rotation, weightEnergy }: Rotated): Known {
  return ratio(
    ratio(meanSquaredScale(rotation.after), weightEnergy),
    ratio(meanSquaredScale(rotation.before), rotation.energyBefore),
  );
}

/** The mean over linears, by their weights. */
function remaining(linears: Linear[]): Known {
  const some = rotated(linears);
  const parts = some.map((linear) => weightsOf([linear]) * (remainingOf(linear) ?? NaN));
  return ratio(sumOf(parts), weightsOf(some));
}

/** By how many powers of two the weights' root mean square changes, as norm gains are folded into them. */
function shiftOf(linears: Linear[]): number {
  const some = rotated(linears);
  const turned = sumOf(some.map((linear) => linear.weightEnergy ?? NaN));
  const without = sumOf(some.map((linear) => linear.rotation.energyBefore ?? NaN));
  const shift = Math.log2(turned / without) / 2;
  return Number.isFinite(shift) ? shift : 0;
}

function spread(counts: Exponents): string {
  return powerOfTwo(exponentAt(counts, 0.95) - exponentAt(counts, 0.05));
}

function histogramsOf(kinds: Kind[]): HTMLElement {
  const rows = kinds.map((kind) => {
    const counts = after(kind.linears);
    const outline = before(kind.linears);
    const note = `spread ${spread(outline)} → ${spread(counts)}`;
    return { name: kind.label, color: kind.color, counts, outline, outlineShift: shiftOf(kind.linears), note };
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
      "Outline: the weights as the model has them, moved to the size that they have when they are rounded (norm gains are " +
        "folded into them), so that only the shapes differ. Rotations spread outliers over their block, so that its largest " +
        "weight, and with it the scale, falls; where there are none they can raise it. Scales as rounding to nearest chooses " +
        "them. The numbers are the spread of the middle nine tenths, without and with rotations.",
    ),
    figure(
      "Mean squared scale that is left",
      bars("Mean squared scale with rotations as a share of that without", barsOf(kinds)),
      "For the same energy, the mean over linears; the line is 1, no change. The error of rounding to nearest goes with the square of the scale. " +
        "What rotations do to the inputs, latticelens analyse shows.",
    ),
  );
}
