// The error of all linears of a layer, run by run, on one axis.
import { figure } from "../blocks";
import { rangeOf } from "../charts/chart";
import { linePanel, multiples } from "../charts/line_panel";
import type { ComparedRun } from "../data";
import { trimmedPercent } from "../numbers";

/** null unless two runs know their layers. */
export function layersFigure(runs: ComparedRun[]): HTMLElement | null {
  const some = runs.filter((run) => run.layers.length > 0 && run.ofOutputs);
  const shown = some.length > 1 ? some : runs.filter((run) => run.layers.length > 0);
  if (shown.length < 2) return null;
  const range = rangeOf(
    shown.flatMap((run) => run.layers),
    "logarithmic",
  );
  const lowest = Array.from({ length: Math.max(...shown.map((run) => run.layers.length)) }, (_, layer) =>
    Math.min(...shown.map((run) => run.layers[layer] ?? Infinity)),
  ).map((value) => (Number.isFinite(value) ? value : null));
  const panels = shown.map((run) =>
    linePanel({
      title: run.name,
      lines: [
        { name: "least of all runs", color: "var(--soft)", values: lowest, dashed: true },
        { name: run.name, color: "var(--accent)", values: run.layers },
      ],
      range,
      spacing: "logarithmic",
      label: (value) => trimmedPercent(value),
      xLabel: "layer",
    }),
  );
  const what = some.length > 1 ? "outputs over the calibration tokens" : "weights";
  return figure(
    "",
    multiples(panels),
    `Squared error of all linears of a layer, of their ${what}, as a share of the energy; dashed, the least that any of ` +
      "the runs has there. Logarithmic, the same axis in every panel. Runs calibrated on other text have other outputs.",
  );
}
