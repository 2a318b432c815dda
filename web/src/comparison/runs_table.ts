// The table of all runs: sorted by its headings, filtered by name, method or model.
import { figure } from "../blocks";
import type { ComparedRun, Known } from "../data";
import { type Content, element } from "../elements";
import { fixed, known, percent, shareWithError, sizeText, timeText, trimmed, whole } from "../numbers";
import { meanOf } from "../statistics";
import { type Column, sortableTable } from "../table";

/** Loss above the original's. */
export function excessLoss(run: ComparedRun): Known {
  const row = run.evaluation;
  return known(row?.meanLoss) && known(row?.originalMeanLoss) ? row.meanLoss - row.originalMeanLoss : null;
}

/** The share of the baseline's excess loss that is gone. */
export function excessRemoved(run: ComparedRun, runs: ComparedRun[]): Known {
  const baseline = runs.find((other) => other.name === (run.baseline || "rtn"));
  const all = baseline ? excessLoss(baseline) : null;
  const own = excessLoss(run);
  return known(all) && all > 0 && known(own) ? 1 - own / all : null;
}

function nameCell(run: ComparedRun): Content {
  const address = run.page?.split("/").map(encodeURIComponent).join("/");
  const name = address ? element("a", { href: address }, run.name) : run.name;
  const preset = run.preset && run.preset !== run.name ? element("span", { class: "soft" }, ` ${run.preset}`) : null;
  const reason = run.obstacle
    ? element("div", { class: "soft small obstacle" }, `${run.failed ? "failed" : "no numbers"}: ${run.obstacle}`)
    : null;
  return [name, preset, reason];
}

/** As many decimals as the error has digits that mean something. */
function withError(value: Known | undefined, error: Known): Content {
  if (!known(value)) return "–";
  if (!known(error)) return fixed(value, 4);
  const decimals = error > 0 ? Math.min(8, 1 - Math.floor(Math.log10(error))) : 4;
  const deviation = element("span", { class: "soft" }, ` ± ${fixed(error, Math.max(3, decimals))}`);
  return [fixed(value, Math.max(4, decimals)), deviation];
}

type RunColumn = Column<ComparedRun> & { name: string };

function lossColumns(runs: ComparedRun[]): RunColumn[] {
  return [
    {
      name: "perplexity",
      number: true,
      best: "lowest",
      cell: (run) => fixed(run.evaluation?.perplexity ?? null, 2),
      value: (run) => run.evaluation?.perplexity ?? null,
    },
    {
      name: "excess",
      hint: "Mean loss above the original’s, nats per token",
      number: true,
      best: "lowest",
      cell: (run) => fixed(excessLoss(run), 3),
      value: excessLoss,
    },
    {
      name: "removed",
      hint: "Share of the excess loss of rounding to nearest that is gone",
      number: true,
      best: "highest",
      cell: (run) => percent(excessRemoved(run, runs), 2),
      value: (run) => excessRemoved(run, runs),
    },
    {
      name: "KL",
      hint: "Mean KL(original‖run), nats per token, ± one standard error over windows",
      number: true,
      best: "lowest",
      cell: (run) => withError(run.evaluation?.kl, meanOf(run.evaluation?.windowKl ?? []).standardError),
      value: (run) => run.evaluation?.kl ?? null,
    },
    {
      name: "top-1",
      hint: "Share of positions whose likeliest token is the original’s",
      number: true,
      best: "highest",
      cell: (run) => percent(run.evaluation?.agreement ?? null),
      value: (run) => run.evaluation?.agreement ?? null,
    },
  ];
}

function costColumns(): RunColumn[] {
  return [
    {
      name: "tasks",
      hint: "Mean share of right answers ± one standard error",
      number: true,
      best: "highest",
      cell: ({ tasks }) => (tasks ? shareWithError(tasks.mean.value, tasks.mean.standardError) : "–"),
      value: ({ tasks }) => tasks?.mean.value ?? null,
    },
    {
      name: "bits",
      hint: "Bits a quantized weight, scales included",
      number: true,
      best: "lowest",
      cell: (run) => trimmed(run.bitsPerWeight, 4),
      value: (run) => run.bitsPerWeight,
    },
    {
      name: "size",
      hint: "Bytes of the model folder",
      number: true,
      best: "lowest",
      cell: (run) => sizeText(run.modelBytes),
      value: (run) => run.modelBytes,
    },
    {
      name: "windows",
      hint: "Windows of calibration text",
      number: true,
      cell: (run) => (run.evaluation ? whole(run.calibratedOn) : "–"),
      value: (run) => (run.evaluation ? run.calibratedOn : null),
    },
    {
      name: "time",
      hint: "Of quantizing",
      number: true,
      best: "lowest",
      cell: (run) => timeText(run.seconds),
      value: (run) => run.seconds,
    },
    {
      name: "peak memory",
      hint: "Of quantizing",
      number: true,
      best: "lowest",
      cell: (run) => sizeText(run.peakMemory),
      value: (run) => run.peakMemory,
    },
  ];
}

function columnsOf(runs: ComparedRun[]): RunColumn[] {
  const models = new Set(runs.map((run) => run.model).filter(Boolean));
  const first: RunColumn[] = [{ name: "run", cell: nameCell, value: (run) => run.name }];
  if (models.size > 1) first.push({ name: "model", cell: (run) => run.model ?? "–", value: (run) => run.model });
  const numbers = [...lossColumns(runs), ...costColumns()];
  return [...first, ...numbers.filter((column) => runs.some((run) => known(column.value?.(run) as Known)))];
}

export function runsTable(runs: ComparedRun[], onFilter: (runs: ComparedRun[]) => void): HTMLElement {
  const columns = columnsOf(runs);
  const made = sortableTable({
    caption: "Runs; the best of each column is bold",
    id: "runs",
    columns,
    rows: runs,
    noun: "run",
    filterText: (run) => `${run.name} ${run.preset} ${run.method.text} ${run.model ?? ""}`,
    sortedBy: columns.some((column) => column.name === "KL") ? "KL" : "run",
    onFilter,
  });
  return figure(
    "",
    made,
    "A heading sorts by its column, a second time the other way. What a column is, its heading says when pointed at. Excess, KL: nats per token.",
  );
}
