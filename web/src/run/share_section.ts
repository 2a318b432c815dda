// Which kinds of linears and which layers hold the error.
import { figure, section, type Section } from "../blocks";
import { type Bar, bars } from "../charts/bars";
import { heatMap } from "../charts/heat_map";
import type { Run } from "../data";
import { percent } from "../numbers";
import { ratio } from "../statistics";
import { byLayer, errorOf, type Kind, kindsOf, layersOf, relativeError, weightsOf } from "./kinds";

function barsOf(run: Run, kinds: Kind[]): Bar[] {
  const error = errorOf(run.linears);
  const weights = weightsOf(run.linears);
  return kinds.map(({ label, color, linears }) => {
    const value = ratio(errorOf(linears), error);
    const reference = ratio(weightsOf(linears), weights);
    const text = `${percent(value, 2)} of the error, ${percent(reference, 2)} of the weights`;
    return { name: label, color, value, reference, text };
  });
}

function finding(run: Run, kinds: Kind[]): string {
  const error = errorOf(run.linears);
  const first = [...kinds].sort((a, b) => errorOf(b.linears) - errorOf(a.linears))[0];
  if (!(error > 0) || !first) return "Nothing was lost: every error is zero.";
  const part = percent(ratio(errorOf(first.linears), error), 2);
  const weights = percent(ratio(weightsOf(first.linears), weightsOf(run.linears)), 2);
  return `${first.label} holds ${part} of the squared error with ${weights} of the weights.`;
}

/** null without linears. */
export function shareSection(run: Run): Section | null {
  const kinds = kindsOf(run);
  if (kinds.length === 0) return null;
  const layers = layersOf(run);
  const map = heatMap({
    description: "Relative error of every linear, layer by kind",
    legend: "relative error",
    rows: kinds.map((kind) => ({ name: kind.label, values: byLayer(kind.linears, layers, relativeError) })),
    columns: layers,
    columnName: "layer",
    spacing: "logarithmic",
    label: (value) => percent(value, 2),
  });
  return section(
    "share",
    "Where the loss sits",
    finding(run, kinds),
    figure(
      "Share of the error by kind of linear",
      bars("Share of the total squared error by kind of linear", barsOf(run, kinds)),
      "Bar: share of the total squared error. Line: share of the weights; a bar beyond it loses more than its part. " +
        "Kinds whose outputs are large weigh more in this sum; the map below does without it.",
    ),
    figure(
      "Relative error, layer by kind of linear",
      map,
      "Each cell is one linear: its error as a share of its own energy. The colours’ steps are equal factors.",
    ),
  );
}
