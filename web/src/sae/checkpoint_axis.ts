// Where checkpoints stand on an axis: by their steps, logarithmic with a place for 0, or in their order.
import type { Spacing } from "../charts/chart";
import type { Checkpoint } from "../data";
import { known, whole } from "../numbers";

export interface CheckpointAxis {
  label: string;
  spacing: Spacing;
  place: (checkpoint: Checkpoint) => number;
  ticks: number[];
  text: (place: number) => string;
}

const mostNames = 6;

function inOrder(checkpoints: Checkpoint[]): CheckpointAxis {
  const every = Math.ceil(checkpoints.length / mostNames);
  return {
    label: "checkpoint",
    spacing: "linear",
    place: (checkpoint) => checkpoints.indexOf(checkpoint),
    ticks: checkpoints.map((_, place) => place).filter((place) => place % every === 0),
    text: (place) => checkpoints[place]?.name ?? "",
  };
}

export function checkpointAxis(checkpoints: Checkpoint[]): CheckpointAxis {
  const steps = checkpoints.map((checkpoint) => checkpoint.step);
  const positive = steps.filter((step): step is number => known(step) && step > 0);
  if (!steps.every(known) || positive.length === 0 || new Set(steps).size < steps.length) return inOrder(checkpoints);
  const least = Math.min(...positive);
  const zero = least / 2.5;
  const place = (step: number): number => (step > 0 ? step : zero);
  const text = (at: number): string => (at < least ? "0" : whole(at));
  const spread = Math.log(Math.max(...positive) / zero);
  const ticks: number[] = [];
  for (const at of steps
    .filter(known)
    .map(place)
    .sort((a, b) => a - b)) {
    const last = ticks.at(-1);
    if (last === undefined || Math.log(at / last) > spread * 0.075) ticks.push(at);
  }
  const name = steps.includes(0) ? "training step of the model (logarithmic, 0 apart)" : "training step of the model";
  return { label: name, spacing: "logarithmic", place: ({ step }) => place(step ?? 0), ticks, text };
}
