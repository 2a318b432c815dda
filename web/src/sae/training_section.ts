// Loss and unexplained variance while the autoencoders were trained.
import { figure, legend, section, type Section } from "../blocks";
import { lineColor } from "../charts/chart";
import { type Curve, curveChart } from "../charts/curves";
import type { Checkpoint, Coder, Known, Saes } from "../data";
import { type Content, element, paragraph } from "../elements";
import { choice, type Option } from "./choice";
import { groupsOf, rateText, type Row, sizeOf } from "./coders";

const colors = 8;

/** What tells it from the others. */
function namesOf(coders: Coder[]): string[] {
  const several = (value: (coder: Coder) => unknown): boolean => new Set(coders.map(value)).size > 1;
  const parts: [boolean, (coder: Coder) => string][] = [
    [several((coder) => coder.site), (coder) => coder.site],
    [several(sizeOf), sizeOf],
    [several((coder) => coder.learningRate), (coder) => `rate ${rateText(coder.learningRate)}`],
    [several((coder) => coder.seed), (coder) => `seed ${coder.seed}`],
  ];
  const used = parts.filter(([differs]) => differs);
  return coders.map((coder) => {
    const name = used.map(([, text]) => text(coder)).join(", ") || `rate ${rateText(coder.learningRate)}`;
    return coder.chosen && coders.some((other) => !other.chosen) ? `${name} (chosen)` : name;
  });
}

function chartsOf(rows: Row[]): Content {
  const coders = rows.map(({ coder }) => coder).filter(({ training }) => training.length > 0);
  if (coders.length === 0) return paragraph("soft", "There is no training.jsonl of these.");
  const names = namesOf(coders);
  const curves = (value: (point: Coder["training"][number]) => Known): Curve[] =>
    coders.map((coder, place) => ({
      name: names[place] ?? "",
      color: lineColor(place),
      dashed: place >= colors,
      points: coder.training.map((point) => [point[0], value(point)]),
    }));
  const chart = (title: string, value: (point: Coder["training"][number]) => Known): HTMLElement =>
    curveChart({
      description: `${title} by training step of the autoencoder`,
      xLabel: "training step of the autoencoder",
      yLabel: `${title} (logarithmic)`,
      xSpacing: "linear",
      ySpacing: "logarithmic",
      wholeSteps: true,
      size: "half",
      withoutKey: true,
      curves: curves(value),
    });
  return [
    legend(curves(() => null)),
    element("div", { class: "pair" }, [
      chart("loss", (point) => point[1]),
      chart("FVU of the batch", (point) => point[2]),
    ]),
  ];
}

function coderChoice(checkpoint: Checkpoint): Content {
  const rows = checkpoint.coders.map((coder) => ({ checkpoint, coder }));
  const sites = [...new Set(rows.map(({ coder }) => coder.site))];
  const options: Option[] = sites.flatMap((site) => {
    const here = rows.filter(({ coder }) => coder.site === site);
    const groups = groupsOf(here);
    const each = groups.map(({ name, rows: members }) => ({
      name: sites.length > 1 ? `${site}, ${name}` : name,
      draw: () => chartsOf(members),
    }));
    const together = { name: `${site}, all ${here.length}`, draw: () => chartsOf(here) };
    return groups.length > 1 ? [together, ...each] : each.map((one) => ({ ...one, name: site }));
  });
  return choice("training-coders", "Autoencoders at", options);
}

export function trainingSection(data: Saes): Section | null {
  const options = data.checkpoints
    .filter(({ coders }) => coders.some(({ training }) => training.length > 0))
    .map((checkpoint) => ({ name: checkpoint.name, draw: () => coderChoice(checkpoint) }));
  if (options.length === 0) return null;
  return section(
    "training",
    "Training",
    null,
    figure(
      "",
      choice("training-checkpoint", "Checkpoint", options, options.length - 1),
      "As training.jsonl has them: of single batches, before the step. Long logs are thinned. The loss is the one that " +
        "training minimizes, on scaled activations, with the term that revives dead latents.",
    ),
  );
}
