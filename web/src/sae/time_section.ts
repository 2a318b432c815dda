// Where time and memory went.
import { facts, figure, section, type Section } from "../blocks";
import { bars } from "../charts/bars";
import type { Checkpoint, Known, Saes } from "../data";
import { known, percent, sizeText, timeText, whole } from "../numbers";
import { ratio, sumOf } from "../statistics";
import { type Column, table } from "../table";

function missedOf({ coders }: Checkpoint): string {
  const checked = sumOf(coders.map((coder) => coder.searchChecked));
  const missed = sumOf(coders.map((coder) => coder.searchMissed));
  return checked > 0 ? `${whole(missed)} of ${whole(checked)}` : "–";
}

const columns: Column<Checkpoint>[] = [
  { name: "checkpoint", cell: (row) => row.name },
  { name: "whole", number: true, cell: (row) => timeText(row.seconds) },
  { name: "language model", number: true, cell: (row) => timeText(row.modelSeconds) },
  { name: "autoencoders", number: true, cell: (row) => timeText(row.coderSeconds) },
  { name: "activations", number: true, cell: (row) => whole(row.activations) },
  { name: "a second", number: true, cell: (row) => whole(ratio(row.activations, row.seconds)) },
  { name: "peak memory", number: true, cell: (row) => sizeText(row.peakMemory) },
  {
    name: "missed by the search",
    hint: "Of latents that an exact search finds, checked on some activations",
    number: true,
    cell: missedOf,
  },
];

function total(rows: Checkpoint[], value: (row: Checkpoint) => Known): Known {
  const all = rows.map(value).filter(known);
  return all.length > 0 ? sumOf(all) : null;
}

export function timeSection({ checkpoints }: Saes): Section | null {
  const seconds = total(checkpoints, (row) => row.seconds);
  if (!known(seconds)) return null;
  const model = total(checkpoints, (row) => row.modelSeconds) ?? 0;
  const coders = total(checkpoints, (row) => row.coderSeconds) ?? 0;
  const bar = (name: string, value: number): Parameters<typeof bars>[1][number] => ({
    name,
    value,
    text: `${timeText(value)}, ${percent(ratio(value, seconds), 2)}`,
    color: "var(--accent)",
  });
  const chart = bars(
    "Seconds by activity",
    [
      bar("language model", model),
      bar("autoencoders", coders),
      bar("everything else", Math.max(0, seconds - model - coders)),
    ],
    130,
  );
  const memory = checkpoints.map((row) => row.peakMemory).filter(known);
  const activations = total(checkpoints, (row) => row.activations);
  return section(
    "time",
    "Time and memory",
    `All checkpoints took ${timeText(seconds)} and at most ${sizeText(memory.length > 0 ? Math.max(...memory) : null)} of memory.`,
    figure("", chart, "Sums over the checkpoints."),
    facts([
      [
        "Activations",
        `${whole(activations)}, ${whole(ratio(activations, seconds))} a second, each for all autoencoders at its site`,
      ],
    ]),
    table("By checkpoint", columns, checkpoints),
  );
}
