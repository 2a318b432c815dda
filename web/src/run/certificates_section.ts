// How far the rounding is from the best possible one: bounds above and below, and the lattice's profile.
import { figure, legend, section, type Section } from "../blocks";
import { rangeOf, wideWidth } from "../charts/chart";
import { type Line, linePanel, multiples } from "../charts/line_panel";
import type { Certificate, Known, Linear, Run } from "../data";
import { known, significant, trimmed, trimmedPercent } from "../numbers";
import { medianOf, ratio, sumOf } from "../statistics";
import { byLayer, type Kind, kindsOf, layersOf, shortName } from "./kinds";

type Bound = "error" | "lowerBound" | "sphere" | "rateBound";

type Certified = Linear & { certificate: Certificate };

function certified(linears: Linear[]): Certified[] {
  return linears.filter(
    (linear): linear is Certified =>
      linear.certificate !== null && known(linear.certificate.error) && (linear.energy ?? 0) > 0,
  );
}

/** A bound as a share of the outputs' energy. */
function share(linears: Linear[], bound: Bound): Known {
  const some = certified(linears);
  return ratio(
    sumOf(some.map((linear) => linear.certificate[bound] ?? NaN)),
    sumOf(some.map((linear) => linear.energy ?? NaN)),
  );
}

function linesOf(kind: Kind, layers: number): Line[] {
  const line = (bound: Bound): Known[] => byLayer(kind.linears, layers, (linears) => share(linears, bound));
  return [
    { name: "best on average", color: "var(--soft)", values: line("sphere"), dashed: true },
    { name: "proven bound", color: "var(--soft)", values: line("lowerBound") },
    { name: "achieved", color: kind.color, values: line("error") },
  ];
}

function boundsFigure(kinds: Kind[], layers: number): HTMLElement {
  const panels = kinds.map((kind) => ({ title: kind.label, lines: linesOf(kind, layers) }));
  const range = rangeOf(
    panels.flatMap((panel) => panel.lines.flatMap((line) => line.values)),
    "logarithmic",
  );
  const drawn = panels.map((panel) =>
    linePanel({ ...panel, range, spacing: "logarithmic", label: (value) => trimmedPercent(value), xLabel: "layer" }),
  );
  const key = legend([
    { name: "achieved", color: "var(--ink)" },
    { name: "proven: no choice of codes comes below", color: "var(--soft)" },
    { name: "what the best possible rounding leaves on average", color: "var(--soft)", dashed: true },
  ]);
  return figure(
    "Achieved error against its bounds",
    [key, multiples(drawn)],
    "Damped squared error of each linear as a share of its output’s energy. The proof is for the scales that the run " +
      "chose; it holds row by row, but it is loose where the profile is flat. The average is over inputs of such a " +
      "lattice, nothing clipped. Logarithmic, the same axis in every panel.",
  );
}

function decibels(linears: Linear[]): Known {
  const above = ratio(share(linears, "error"), share(linears, "rateBound"));
  return known(above) && above > 0 ? 10 * Math.log10(above) : null;
}

function headroomFigure(kinds: Kind[], layers: number): HTMLElement {
  const lines = kinds.map((kind) => ({
    name: kind.label,
    color: kind.color,
    values: byLayer(kind.linears, layers, decibels),
  }));
  const panel = linePanel({
    title: "Headroom to the rate bound, dB",
    lines,
    range: rangeOf(
      lines.flatMap((line) => line.values),
      "linear",
    ),
    spacing: "linear",
    label: (value) => trimmed(value),
    xLabel: "layer",
    width: Math.min(760, wideWidth()),
    height: 250,
  });
  return figure(
    "",
    [legend(lines), panel],
    "How far the error lies above what any code of as many bits per weight could leave on average for Gaussian weights " +
      "(6.02 dB are one bit per weight).",
  );
}

/** The linears with the flattest, the middle and the steepest profile. */
function tellingProfiles(run: Run): Certified[] {
  const rows = certified(run.linears)
    .filter((linear) => linear.certificate.profile.length > 1)
    .sort((a, b) => (a.certificate.profileRatio ?? 0) - (b.certificate.profileRatio ?? 0));
  const chosen = [rows[0], rows[Math.floor(rows.length / 2)], rows.at(-1)];
  return [...new Set(chosen)].filter((row): row is Certified => row !== undefined);
}

function profilesFigure(run: Run): HTMLElement | null {
  const rows = tellingProfiles(run);
  if (rows.length === 0) return null;
  const range = rangeOf(
    rows.flatMap((row) => row.certificate.profile),
    "linear",
  );
  const panels = rows.map((row) =>
    linePanel({
      title: `${shortName(row)}: ${significant(row.certificate.profileRatio)}`,
      lines: [{ name: "log₂ L", color: "var(--accent)", values: row.certificate.profile }],
      range,
      spacing: "linear",
      label: (value) => trimmed(value),
      xLabel: "place in the order",
    }),
  );
  return figure(
    "Profiles of the lattice",
    multiples(panels),
    "log₂ of the diagonal of L in min-pivot order, at equal distances from the first to the last, of the flattest, the " +
      "middle and the steepest linear. The flatter, the less Babai’s rule leaves to gain. The number is the arithmetic " +
      "over the geometric mean of the squares: 1 when flat.",
  );
}

function finding(run: Run): string {
  const rows = certified(run.linears);
  const relative = (bound: Bound): number => sumOf(rows.map((row) => ratio(row.certificate[bound], row.energy) ?? NaN));
  const above = ratio(relative("error"), relative("lowerBound"));
  const headroom = medianOf(rows.map((row) => row.certificate.headroom));
  const proven = known(above)
    ? `Proven: at most ${significant(above)} times the error of the best choice of codes for these scales. `
    : "";
  return `${proven}The median linear lies ${significant(headroom)} dB above the rate bound.`;
}

/** null when no linear has a certificate. */
export function certificatesSection(run: Run): Section | null {
  const kinds = kindsOf(run).filter((kind) => certified(kind.linears).length > 0);
  if (kinds.length === 0) return null;
  const layers = layersOf(run);
  return section(
    "certificates",
    "How far from the best",
    finding(run),
    boundsFigure(kinds, layers),
    headroomFigure(kinds, layers),
    profilesFigure(run),
  );
}
