// Autoencoders in groups: those of one site, kind and size, over the checkpoints and learning rates.
import type { Checkpoint, Coder, Known, Saes } from "../data";
import { known, significant, trimmed, whole } from "../numbers";

export interface Row {
  checkpoint: Checkpoint;
  coder: Coder;
}

export interface Group {
  name: string;
  rows: Row[]; // chosen ones and others, in the checkpoints' order
}

export function rowsOf(data: Saes): Row[] {
  return data.checkpoints.flatMap((checkpoint) => checkpoint.coders.map((coder) => ({ checkpoint, coder })));
}

export function chosenOf(rows: Row[]): Row[] {
  return rows.filter(({ coder }) => coder.chosen);
}

export function rateText(rate: Known): string {
  return known(rate) && rate > 0 && rate < 1e-4 ? significant(rate, 2) : trimmed(rate, 3);
}

/** "topk, 2,048 latents, k 16"; kinds without k have none. */
export function sizeOf(coder: Coder): string {
  return `${coder.kind}, ${whole(coder.latents)} latents${coder.k > 0 ? `, k ${whole(coder.k)}` : ""}`;
}

/** What is the same in all rows is left out. */
export function groupsOf(rows: Row[]): Group[] {
  const several = new Set(rows.map(({ coder }) => coder.site)).size > 1;
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const name = `${several ? `${row.coder.site}, ` : ""}${sizeOf(row.coder)}`;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return [...groups].map(([name, members]) => ({ name, rows: members }));
}

/** The least and the largest by a number, of those that know it. */
export function extremeOf(rows: Row[], value: (row: Row) => Known | undefined): { least: Row; most: Row } | null {
  const [first, ...others] = rows.filter((row) => known(value(row)));
  if (!first) return null;
  let [least, most] = [first, first];
  for (const row of others) {
    if ((value(row) ?? 0) < (value(least) ?? 0)) least = row;
    if ((value(row) ?? 0) > (value(most) ?? 0)) most = row;
  }
  return { least, most };
}

/** Those that as many principal components beat, on the text of the evaluation. */
export function beatenByComponents(rows: Row[]): Row[] {
  return rows.filter(({ coder: { evaluation } }) => {
    const own = evaluation?.metrics.fvuDataset;
    const theirs = evaluation?.pcaFvu;
    return known(own) && known(theirs) && theirs < own;
  });
}
