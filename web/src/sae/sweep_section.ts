// Sizes, numbers of active latents and learning rates against the unexplained variance, at one checkpoint.
import { figure, section, type Section } from "../blocks";
import { lineColor } from "../charts/chart";
import { type Curve, curveChart } from "../charts/curves";
import { heatMap } from "../charts/heat_map";
import type { Coder, Known, Saes } from "../data";
import { type Content, element } from "../elements";
import { known, significant, whole } from "../numbers";
import { choice, type Option } from "./choice";
import { rateText } from "./coders";

function sortedNumbers(values: number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

function fvuOf(coder: Coder | undefined): Known {
  return coder?.validation.fvuDataset ?? null;
}

function sizeMap(chosen: Coder[]): Content {
  const latents = sortedNumbers(chosen.map((coder) => coder.latents));
  const ks = sortedNumbers(chosen.map((coder) => coder.k));
  if (latents.length < 2 || ks.length < 2) return null;
  const at = (k: number, size: number): Known => fvuOf(chosen.find((coder) => coder.k === k && coder.latents === size));
  const map = heatMap({
    description: "FVU by number of latents and k",
    legend: "FVU",
    rows: ks.map((k) => ({ name: `k ${whole(k)}`, values: latents.map((size) => at(k, size)) })),
    columns: latents.length,
    columnName: "latents",
    columnNames: latents.map(whole),
    spacing: "logarithmic",
    label: (value) => significant(value),
  });
  return figure("FVU by size and k", map, "fvu_dataset at the learning rate that was chosen for each size and k.");
}

/** Figure 2 of the paper. */
function sizeCurves(chosen: Coder[]): Content {
  const latents = sortedNumbers(chosen.map((coder) => coder.latents));
  if (latents.length < 2) return null;
  const curves = sortedNumbers(chosen.map((coder) => coder.k)).map((k, place): Curve => {
    const own = chosen.filter((coder) => coder.k === k).sort((a, b) => a.latents - b.latents);
    return {
      name: `k ${whole(k)}`,
      color: lineColor(place),
      points: own.map((coder) => [coder.latents, fvuOf(coder)]),
    };
  });
  const chart = curveChart({
    description: "FVU by number of latents, a line for each k",
    xLabel: "latents (logarithmic)",
    yLabel: "FVU (logarithmic)",
    xSpacing: "logarithmic",
    ySpacing: "logarithmic",
    xTicks: latents,
    xText: whole,
    size: "half",
    curves,
  });
  return figure(
    "FVU over the number of latents",
    chart,
    "One line for each k, at the learning rate that was chosen: where a line is flat, more latents do not help.",
  );
}

/** Where only k differs. */
function activeCurve(chosen: Coder[]): Content {
  const ks = sortedNumbers(chosen.map((coder) => coder.k));
  if (ks.length < 2 || new Set(chosen.map((coder) => coder.latents)).size > 1) return null;
  const sorted = [...chosen].sort((a, b) => a.k - b.k);
  const chart = curveChart({
    description: "FVU by k",
    xLabel: "k, active latents (logarithmic)",
    yLabel: "FVU (logarithmic)",
    xSpacing: "logarithmic",
    ySpacing: "logarithmic",
    xTicks: ks,
    xText: whole,
    size: "half",
    curves: [{ name: "FVU", color: lineColor(0), points: sorted.map((coder) => [coder.k, fvuOf(coder)]) }],
  });
  return figure("FVU over k", chart, "At the learning rate that was chosen for each k.");
}

function rateCurves(coders: Coder[]): Content {
  const rates = sortedNumbers(coders.map((coder) => coder.learningRate).filter(known));
  if (rates.length < 2) return null;
  const sizes = new Map<string, Coder[]>();
  for (const coder of coders) {
    const name = `${whole(coder.latents)} latents, k ${whole(coder.k)}`;
    sizes.set(name, [...(sizes.get(name) ?? []), coder]);
  }
  const curves = [...sizes].map(([name, members], place): Curve => {
    const sorted = [...members].sort((a, b) => (a.learningRate ?? 0) - (b.learningRate ?? 0));
    return {
      name,
      color: lineColor(place),
      dashed: place >= 8,
      points: sorted.map((coder) => [coder.learningRate, fvuOf(coder)]),
    };
  });
  const chart = curveChart({
    description: "FVU by learning rate",
    xLabel: "learning rate (logarithmic)",
    yLabel: "FVU (logarithmic)",
    xSpacing: "logarithmic",
    ySpacing: "logarithmic",
    xTicks: rates,
    xText: rateText,
    size: "half",
    curves,
  });
  return figure(
    "FVU over the learning rate",
    chart,
    "A least value at an end of the range says that the range should go on there.",
  );
}

function panelsOf(coders: Coder[]): Content {
  const chosen = coders.filter((coder) => coder.chosen);
  const content = [sizeMap(chosen), sizeCurves(chosen), activeCurve(chosen), rateCurves(coders)].filter(
    (one) => one !== null,
  );
  return content.length > 0 ? element("div", { class: "pair" }, content) : null;
}

export function sweepSection(data: Saes): Section | null {
  const options = data.checkpoints.flatMap((checkpoint): Option[] => {
    const places = [...new Set(checkpoint.coders.map((coder) => `${coder.site}, ${coder.kind}`))];
    return places.flatMap((place): Option[] => {
      const coders = checkpoint.coders.filter((coder) => `${coder.site}, ${coder.kind}` === place);
      const several = (value: (coder: Coder) => unknown): boolean => new Set(coders.map(value)).size > 1;
      const swept =
        several((coder) => coder.latents) || several((coder) => coder.k) || several((coder) => coder.learningRate);
      return swept ? [{ name: `${checkpoint.name}, ${place}`, draw: () => panelsOf(coders) }] : [];
    });
  });
  if (options.length === 0) return null;
  return section(
    "sweep",
    "Sizes and learning rates",
    null,
    choice("sweep-place", "Checkpoint and site", options, options.length - 1),
  );
}
