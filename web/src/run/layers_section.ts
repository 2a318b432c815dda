// The error of every linear, layer by layer, beside that of rounding to nearest.
import { figure, legend, missing, section, type Section } from "../blocks";
import { rangeOf } from "../charts/chart";
import { type Line, linePanel, multiples } from "../charts/line_panel";
import type { Known, Linear, Run } from "../data";
import { element } from "../elements";
import { countOf, percent, significant, trimmedPercent, whole } from "../numbers";
import { ratio } from "../statistics";
import { type Column, sortableTable } from "../table";
import {
  byLayer,
  clippedShare,
  type Kind,
  kindsOf,
  layersOf,
  relativeError,
  relativeNearest,
  showsNearest,
} from "./kinds";

interface Panel {
  title: string;
  lines: Line[];
}

function panelOf(run: Run, title: string, color: string, linears: Linear[], layers: number): Panel {
  const chosen = { name: "chosen", color, values: byLayer(linears, layers, relativeError) };
  if (!showsNearest(run)) return { title, lines: [chosen] };
  const nearest = {
    name: "nearest",
    color: "var(--soft)",
    values: byLayer(linears, layers, relativeNearest),
    dashed: true,
  };
  return { title, lines: [nearest, chosen] };
}

function caption(run: Run): string {
  return run.ofOutputs
    ? "Squared error of each linear’s output over the calibration tokens, as a share of the output’s energy. Logarithmic, the same axis in every panel."
    : "Squared error of each linear’s weights as a share of their energy (there was no calibration text, so the outputs are not known). Logarithmic, the same axis in every panel.";
}

function panelsFigure(run: Run, kinds: Kind[]): HTMLElement {
  const layers = layersOf(run);
  const panels = kinds.map((kind) => panelOf(run, kind.label, kind.color, kind.linears, layers));
  if (kinds.length > 1) panels.unshift(panelOf(run, "all linears of a layer", "var(--ink)", run.linears, layers));
  const range = rangeOf(
    panels.flatMap((panel) => panel.lines.flatMap((line) => line.values)),
    "logarithmic",
  );
  const drawn = panels.map(({ title, lines }) =>
    linePanel({
      title,
      lines,
      range,
      spacing: "logarithmic",
      label: (value) => trimmedPercent(value),
      xLabel: "layer",
    }),
  );
  const key = showsNearest(run)
    ? legend([
        { name: "the chosen rounding", color: "var(--ink)" },
        { name: "each weight to its nearest level", color: "var(--soft)", dashed: true },
      ])
    : null;
  return figure("", [key, multiples(drawn)], caption(run));
}

/** How many times the smallest error that is proven possible. */
function timesBound(linear: Linear): Known {
  return ratio(linear.certificate?.error, linear.certificate?.lowerBound);
}

function columnsOf(run: Run): Column<Linear>[] {
  const relative = (linear: Linear): Known => relativeError([linear]);
  const columns: Column<Linear>[] = [
    { name: "layer", number: true, cell: (linear) => String(linear.layer), value: (linear) => linear.layer },
    { name: "linear", cell: (linear) => linear.linear, value: (linear) => linear.linear },
    {
      name: "shape",
      number: true,
      cell: (linear) => `${whole(linear.outputs)} × ${whole(linear.inputs)}`,
      value: (linear) => linear.outputs * linear.inputs,
    },
    { name: "relative error", number: true, cell: (linear) => percent(relative(linear), 3), value: relative },
  ];
  if (showsNearest(run))
    columns.push({
      name: "of nearest’s",
      number: true,
      cell: (linear) => percent(ratio(linear.error, linear.nearestError), 3),
      value: (linear) => ratio(linear.error, linear.nearestError),
    });
  if (run.linears.some((linear) => linear.certificate))
    columns.push(
      {
        name: "times its bound",
        hint: "Damped error over the smallest that is proven possible for these scales",
        number: true,
        cell: (linear) => significant(timesBound(linear)),
        value: timesBound,
      },
      {
        name: "headroom, dB",
        hint: "Above what any code of as many bits could leave on average",
        number: true,
        cell: (linear) => significant(linear.certificate?.headroom ?? null),
        value: (linear) => linear.certificate?.headroom ?? null,
      },
    );
  columns.push({
    name: "clipped",
    number: true,
    cell: (linear) => percent(clippedShare([linear]), 2),
    value: (linear) => clippedShare([linear]),
  });
  return columns;
}

function everyLinear(run: Run): HTMLElement {
  const made = sortableTable({
    caption: "Every linear",
    id: "linears",
    columns: columnsOf(run),
    rows: run.linears,
    noun: "linear",
    filterText: (linear) => `layer ${linear.layer} ${linear.linear}`,
    sortedBy: "relative error",
    descending: true,
  });
  return element("div", { class: "long-table" }, made);
}

function finding(run: Run): string {
  const typical = showsNearest(run)
    ? `In the median linear the chosen rounding leaves ${percent(run.summary.median_of_nearest, 2)} of the output error of rounding to nearest. `
    : "";
  const worst = [...run.linears].sort((a, b) => (relativeError([b]) ?? -1) - (relativeError([a]) ?? -1))[0];
  return worst
    ? `${typical}The worst linear is ${worst.linear} of layer ${worst.layer}, with a relative error of ${percent(relativeError([worst]), 2)}.`
    : typical;
}

export function layersSection(run: Run): Section {
  const title = "Error per layer";
  if (run.linears.length === 0)
    return section(
      "layers",
      title,
      null,
      missing("No block has been quantized yet. This quantizes them:", run.commands.quantize),
    );
  const kinds = kindsOf(run);
  const summary = `All ${countOf(run.linears.length, "linear")}: sort by a heading, filter by a name`;
  const all = element("details", {}, element("summary", {}, summary), everyLinear(run));
  return section("layers", title, finding(run), panelsFigure(run, kinds), all);
}
