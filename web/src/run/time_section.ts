// Where time and memory went.
import { facts, figure, missing, section, type Section } from "../blocks";
import { type Bar, bars } from "../charts/bars";
import type { Linear, Run } from "../data";
import { type Content, paragraph } from "../elements";
import { countOf, known, percent, significant, sizeText, timeText, whole } from "../numbers";
import { ratio, sumOf } from "../statistics";
import { type Column, table } from "../table";

function barsOf(run: Run): Bar[] {
  const activities = run.times.flatMap(([name, seconds]) => (known(seconds) ? [{ name, seconds }] : []));
  const measured = sumOf(activities.map((activity) => activity.seconds));
  const total = known(run.seconds) ? Math.max(run.seconds, measured) : measured;
  if (total - measured > 0.005 * total) activities.push({ name: "everything else", seconds: total - measured });
  return activities.map(({ name, seconds }) => ({
    name,
    value: seconds,
    text: `${timeText(seconds)}, ${percent(ratio(seconds, total), 2)}`,
    color: "var(--accent)",
  }));
}

function factsOf(run: Run): HTMLElement {
  const rows: [string, string][] = [
    ["Whole run", timeText(run.seconds)],
    ["Peak memory", sizeText(run.peakMemory)],
  ];
  if (run.threads > 0) rows.push(["Threads", whole(run.threads)]);
  if (run.resumedBlocks > 0)
    rows.push([
      "Continued",
      `after ${countOf(run.resumedBlocks, "block")} of an earlier, interrupted run: times and memory are those of the last part only`,
    ]);
  return facts(rows);
}

const columns: Column<Linear>[] = [
  { name: "linear", cell: (linear) => `layer ${linear.layer}, ${linear.linear}` },
  { name: "times raised", number: true, cell: (linear) => whole(linear.escalations) },
  { name: "damping", number: true, cell: (linear) => significant(linear.damping) },
];

function raisedDamping(run: Run): Content {
  const rows = run.linears.filter((linear) => linear.escalations > 0);
  if (rows.length === 0) return null;
  return [
    paragraph(
      undefined,
      `The damping had to be raised for ${countOf(rows.length, "linear")}: their second moments could not be factored as they were.`,
    ),
    table("Raised damping", columns, rows),
  ];
}

export function timeSection(run: Run): Section {
  const title = "Time and memory";
  if (!known(run.seconds) && run.times.length === 0)
    return section(
      "time",
      title,
      null,
      missing("They are written when the run is finished. This finishes it:", run.commands.quantize),
      raisedDamping(run),
    );
  const found = known(run.seconds)
    ? `The run took ${timeText(run.seconds)} and at most ${sizeText(run.peakMemory)} of memory.`
    : null;
  const rows = barsOf(run);
  const chart =
    rows.length > 0 ? figure("", bars("Seconds by activity", rows, 150), "Where the time of the run went.") : null;
  return section("time", title, found, chart, factsOf(run), raisedDamping(run));
}
