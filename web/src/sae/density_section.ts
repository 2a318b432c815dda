// How often latents fire.
import { figure, section, type Section } from "../blocks";
import { densities, type DensityRow } from "../charts/densities";
import type { Saes } from "../data";
import { percent } from "../numbers";
import { sumOf } from "../statistics";
import { choice } from "./choice";
import { chosenOf, type Group, groupsOf, rowsOf } from "./coders";

const mostRows = 24;

/** Some of them at equal distances, the first and the last among them. */
function spread<Item>(items: Item[]): Item[] {
  if (items.length <= mostRows) return items;
  return Array.from({ length: mostRows }, (_, place) => Math.round((place * (items.length - 1)) / (mostRows - 1)))
    .map((place) => items[place])
    .filter((item): item is Item => item !== undefined);
}

function densityRows(group: Group): DensityRow[] {
  const seen = new Set<string>();
  return group.rows.flatMap(({ checkpoint, coder }): DensityRow[] => {
    const { density, dead } = coder.validation;
    if (!density || sumOf(density.counts) === 0 || seen.has(checkpoint.name)) return [];
    seen.add(checkpoint.name);
    return [{ name: checkpoint.name, note: `${percent(dead)} dead`, density, all: sumOf(density.counts) }];
  });
}

export function densitySection(data: Saes): Section | null {
  const options = groupsOf(chosenOf(rowsOf(data))).flatMap((group) => {
    const rows = densityRows(group);
    if (rows.length === 0) return [];
    const draw = (): HTMLElement =>
      densities(
        "How often latents fire, by checkpoint",
        spread(rows),
        "latent",
        "share of the activations it fires for",
      );
    return [{ name: group.name, draw }];
  });
  if (options.length === 0) return null;
  return section(
    "density",
    "How often latents fire",
    null,
    figure(
      "",
      choice("density-coder", "Autoencoder", options),
      "Latents by the share of the validation part’s activations that they fire for, as shares of the latents that fire; " +
        "the same scale in every row. Dead ones have no place on a logarithmic axis: the note on the right counts them." +
        (data.checkpoints.length > mostRows ? ` Of ${data.checkpoints.length} checkpoints ${mostRows} are shown.` : ""),
    ),
  );
}
