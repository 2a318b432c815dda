// Means, medians and ratios of numbers that may be missing.
import type { Exponents, Known } from "./data";
import { known } from "./numbers";

export interface Mean {
  count: number;
  value: Known;
  standardError: Known;
}

export function meanOf(values: Known[]): Mean {
  const finite = values.filter(known);
  if (finite.length === 0) return { count: 0, value: null, standardError: null };
  const mean = sumOf(finite) / finite.length;
  const squares = sumOf(finite.map((value) => (value - mean) ** 2));
  const standardError = finite.length > 1 ? Math.sqrt(squares / (finite.length - 1) / finite.length) : null;
  return { count: finite.length, value: mean, standardError };
}

export function sumOf(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

export function medianOf(values: Known[]): Known {
  const sorted = values.filter(known).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? null;
  return sorted.length % 2 === 1 || upper === null ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}

/** null where it cannot be divided. */
export function ratio(part: Known | undefined, all: Known | undefined): Known {
  return known(part) && known(all) && all > 0 ? part / all : null;
}

export function addExponents(lists: Exponents[]): Exponents {
  const counts = new Map<number, number>();
  for (const list of lists)
    for (const [exponent, count] of list) counts.set(exponent, (counts.get(exponent) ?? 0) + count);
  return [...counts].sort((a, b) => a[0] - b[0]);
}

export function totalCount(exponents: Exponents): number {
  return sumOf(exponents.map(([, count]) => count));
}

/** The exponent that a share of the counts does not exceed. */
export function exponentAt(exponents: Exponents, share: number): number {
  const wanted = share * totalCount(exponents);
  let seen = 0;
  for (const [exponent, count] of exponents) {
    seen += count;
    if (seen >= wanted) return exponent;
  }
  return exponents.at(-1)?.[0] ?? 0;
}

/** The mean of 4^exponent: squared scales, which rounding errors go with. */
export function meanSquaredScale(exponents: Exponents): Known {
  const squares = sumOf(exponents.map(([exponent, count]) => count * 4 ** exponent));
  return ratio(squares, totalCount(exponents));
}
