// The autoencoders over the model's training.
import { figure, missing, section, type Section } from "../blocks";
import { lineColor, type Spacing } from "../charts/chart";
import { type Curve, curveChart } from "../charts/curves";
import type { Known, Saes } from "../data";
import { type Content, element } from "../elements";
import { known } from "../numbers";
import { type CheckpointAxis, checkpointAxis } from "./checkpoint_axis";
import { choice } from "./choice";
import { chosenOf, type Group, groupsOf, type Row, rowsOf } from "./coders";

/** One for each checkpoint: of several seeds the first. */
function onePerCheckpoint(rows: Row[]): Row[] {
  return rows.filter(({ checkpoint }, place) => rows.findIndex((row) => row.checkpoint === checkpoint) === place);
}

interface Panel {
  title: string;
  yLabel: string;
  caption: string;
  spacing?: Spacing;
  zeroToOne?: boolean;
  curves: Curve[];
}

function panelOf(panel: Panel, axis: CheckpointAxis): HTMLElement | null {
  const curves = panel.curves.filter(({ points }) => points.some(([, y]) => known(y)));
  if (curves.length === 0) return null;
  const chart = curveChart({
    description: `${panel.title} by checkpoint`,
    xLabel: axis.label,
    yLabel: panel.yLabel,
    xSpacing: axis.spacing,
    ySpacing: panel.spacing ?? "linear",
    xTicks: axis.ticks,
    xText: axis.text,
    size: "half",
    curves,
  });
  return figure(panel.title, chart, panel.caption);
}

function panelsOf(group: Group, axis: CheckpointAxis): HTMLElement {
  const rows = onePerCheckpoint(group.rows);
  const curve = (name: string, color: string, value: (row: Row) => Known | undefined, dashed = false): Curve => ({
    name,
    color,
    dashed,
    points: rows.map((row) => [axis.place(row.checkpoint), value(row) ?? null]),
  });
  const languages = [...new Set(rows.flatMap(({ checkpoint }) => checkpoint.heldOutLoss.map(([name]) => name)))];
  const panels: Panel[] = [
    {
      title: "Unexplained variance",
      yLabel: "FVU (logarithmic)",
      spacing: "logarithmic",
      caption:
        "fvu_dataset. It does not compare between checkpoints whose activations have other spectra: where the effective " +
        "rank is small, a few directions explain nearly everything, and any method does. So compare each point with the " +
        "dashed ones at the same checkpoint, which are measured on the evaluation’s text: as many principal components, " +
        "and a random dictionary with its best scale.",
      curves: [
        curve("autoencoder, validation part", "var(--k0)", ({ coder }) => coder.validation.fvuDataset),
        curve("autoencoder, evaluation", "var(--k2)", ({ coder }) => coder.evaluation?.metrics.fvuDataset),
        curve("k principal components", "var(--k6)", ({ coder }) => coder.evaluation?.pcaFvu, true),
        curve("random dictionary", "var(--k5)", ({ coder }) => coder.evaluation?.randomFvu, true),
      ],
    },
    {
      title: "Effective rank of the activations",
      yLabel: "effective rank (logarithmic)",
      spacing: "logarithmic",
      caption:
        "The exponential of the entropy of the activations’ spectrum: how many directions carry their variance, about.",
      curves: [curve("effective rank", "var(--k3)", ({ coder }) => coder.evaluation?.effectiveRank)],
    },
    {
      title: "Dead latents",
      yLabel: "share of the latents",
      caption: "Latents that fire for no activation of the validation part.",
      curves: [curve("dead", "var(--k6)", ({ coder }) => coder.validation.dead)],
    },
    {
      title: "Loss recovered",
      yLabel: "share",
      caption:
        "1: the model predicts as well with the reconstructions as with the activations; 0: as with zeros in their place. " +
        "CE counts the loss on the text, KL the divergence from the model’s own predictions. Where zeros cost the model " +
        "little, as early in training, the CE ratio divides by a number near zero and can pass 1; KL cannot.",
      curves: [
        curve("KL", "var(--k0)", ({ coder }) => coder.evaluation?.lossRecoveredKl),
        curve("CE", "var(--k4)", ({ coder }) => coder.evaluation?.lossRecovered),
      ],
    },
    {
      title: "Held-out loss of the model",
      yLabel: "nats per token",
      caption: "As its training noted it, by language.",
      curves: languages.map((language, place) =>
        curve(
          language,
          lineColor(place),
          ({ checkpoint }) => checkpoint.heldOutLoss.find(([name]) => name === language)?.[1],
        ),
      ),
    },
  ];
  return element(
    "div",
    { class: "pair" },
    panels.map((panel) => panelOf(panel, axis)),
  );
}

export function checkpointsSection(data: Saes): Section | null {
  const gap: Content = data.evaluated
    ? null
    : missing(
        "Loss recovered, effective rank and the baselines have not been measured. This measures them:",
        data.command,
      );
  if (data.checkpoints.length < 2) return gap ? section("checkpoints", "Not measured yet", null, gap) : null;
  const axis = checkpointAxis(data.checkpoints);
  const options = groupsOf(chosenOf(rowsOf(data))).map((group) => ({
    name: group.name,
    draw: () => panelsOf(group, axis),
  }));
  return section("checkpoints", "Over the checkpoints", null, choice("checkpoints-coder", "Autoencoder", options), gap);
}
