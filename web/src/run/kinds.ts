// The linears of a run by kind ("self_attn.q_proj") and layer: what every chart of layers reads.
import { kindColor } from "../charts/chart";
import type { Known, Linear, Run } from "../data";
import { ratio, sumOf } from "../statistics";

export interface Kind {
  name: string; // numbers between dots (experts) are "*"
  label: string; // the last part, or the name where that would be ambiguous
  color: string;
  linears: Linear[];
}

function kindName(linear: string): string {
  return linear
    .split(".")
    .map((part) => (/^\d+$/.test(part) ? "*" : part))
    .join(".");
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** In the order in which the file has them. */
export function kindsOf(run: Run): Kind[] {
  const groups = new Map<string, Linear[]>();
  for (const linear of run.linears) {
    const name = kindName(linear.linear);
    const group = groups.get(name);
    if (group) group.push(linear);
    else groups.set(name, [linear]);
  }
  const names = [...groups.keys()];
  return names.map((name, place) => {
    const last = lastPart(name);
    const alone = last !== "" && names.filter((other) => lastPart(other) === last).length === 1;
    return { name, label: alone ? last : name, color: kindColor(place), linears: groups.get(name) ?? [] };
  });
}

export function layersOf(run: Run): number {
  return Math.max(0, ...run.linears.map((linear) => linear.layer + 1));
}

export function weightsOf(linears: Linear[]): number {
  return sumOf(linears.map((linear) => linear.outputs * linear.inputs));
}

export function errorOf(linears: Linear[]): number {
  return sumOf(linears.map((linear) => linear.error ?? NaN));
}

/** Error as a share of energy. */
export function relativeError(linears: Linear[]): Known {
  return ratio(errorOf(linears), sumOf(linears.map((linear) => linear.energy ?? NaN)));
}

export function relativeNearest(linears: Linear[]): Known {
  const nearest = sumOf(linears.map((linear) => linear.nearestError ?? NaN));
  return ratio(nearest, sumOf(linears.map((linear) => linear.energy ?? NaN)));
}

export function clippedShare(linears: Linear[]): Known {
  return ratio(sumOf(linears.map((linear) => linear.clipped)), weightsOf(linears));
}

/** One value a layer, of the linears that stand there; null where there are none. */
export function byLayer(linears: Linear[], layers: number, value: (some: Linear[]) => Known): Known[] {
  const groups: Linear[][] = Array.from({ length: layers }, () => []);
  for (const linear of linears) groups[linear.layer]?.push(linear);
  return groups.map((group) => (group.length > 0 ? value(group) : null));
}

/** Without moments the two are the same rounding; a second line on the first would only hide it. */
export function showsNearest(run: Run): boolean {
  return run.ofOutputs && !run.method.roundsToNearest;
}

/** "layer 3, down_proj". */
export function shortName(linear: Linear): string {
  return `layer ${linear.layer}, ${lastPart(linear.linear)}`;
}
