// The table of the autoencoders: the chosen ones, or all that were trained.
import { figure } from "../blocks";
import { element } from "../elements";
import { fixed, known, percent, significant, whole } from "../numbers";
import { type Column, sortableTable } from "../table";
import { rateText, type Row } from "./coders";

/** Reasons hold the measure's whole name and numbers with all their digits. */
function shortened(text: string): string {
  const words = text.replace("least fvu_dataset on the validation part", "least");
  return words.replace(/\d+\.\d{5,}(e-\d+)?/g, (number) => significant(Number(number)));
}

type RowColumn = Column<Row>;

function settings(rows: Row[]): RowColumn[] {
  const order = new Map(rows.map(({ checkpoint }, place) => [checkpoint, place]));
  const columns: RowColumn[] = [
    {
      name: "checkpoint",
      cell: ({ checkpoint }) => checkpoint.name,
      value: ({ checkpoint }) => order.get(checkpoint) ?? null,
    },
    { name: "site", cell: ({ coder }) => coder.site, value: ({ coder }) => coder.site },
    { name: "kind", cell: ({ coder }) => coder.kind, value: ({ coder }) => coder.kind },
    { name: "latents", number: true, cell: ({ coder }) => whole(coder.latents), value: ({ coder }) => coder.latents },
    {
      name: "k",
      number: true,
      cell: ({ coder }) => (coder.k > 0 ? whole(coder.k) : "–"),
      value: ({ coder }) => (coder.k > 0 ? coder.k : null),
    },
    {
      name: "rate",
      hint: "Learning rate",
      number: true,
      cell: ({ coder }) => rateText(coder.learningRate),
      value: ({ coder }) => coder.learningRate,
    },
    { name: "seed", number: true, cell: ({ coder }) => whole(coder.seed), value: ({ coder }) => coder.seed },
  ];
  const differs = ({ value }: RowColumn): boolean => new Set(rows.map((row) => value?.(row))).size > 1;
  return columns.filter((column) => !["site", "kind", "seed"].includes(column.name) || differs(column));
}

/** What the columns leave out because it is the same everywhere. */
function common(rows: Row[]): string {
  const kinds = new Set(rows.map(({ coder }) => coder.kind));
  const sites = new Set(rows.map(({ coder }) => coder.site));
  const [kind, site] = [kinds.size === 1 ? ` ${[...kinds][0]}` : "", sites.size === 1 ? ` at ${[...sites][0]}` : ""];
  return kind || site ? `, all${kind}${site}` : "";
}

const measured: RowColumn[] = [
  {
    name: "FVU",
    hint: "fvu_dataset: share of the variance of the validation part that is not reconstructed",
    number: true,
    cell: ({ coder }) => significant(coder.validation.fvuDataset, 4),
    value: ({ coder }) => coder.validation.fvuDataset,
  },
  {
    name: "L0",
    hint: "Active latents an input, on the validation part",
    number: true,
    cell: ({ coder }) => fixed(coder.validation.l0, 2),
    value: ({ coder }) => coder.validation.l0,
  },
  {
    name: "dead",
    hint: "Share of the latents that never fire on the validation part",
    number: true,
    cell: ({ coder }) => percent(coder.validation.dead),
    value: ({ coder }) => coder.validation.dead,
  },
];

const evaluated: RowColumn[] = [
  {
    name: "rec. CE",
    hint: "Share of the loss that zeros in place of the activations cost which the reconstructions do not",
    number: true,
    cell: ({ coder }) => percent(coder.evaluation?.lossRecovered, 4),
    value: ({ coder }) => coder.evaluation?.lossRecovered ?? null,
  },
  {
    name: "rec. KL",
    hint: "The same with the divergence from the model’s own predictions instead of the loss",
    number: true,
    cell: ({ coder }) => percent(coder.evaluation?.lossRecoveredKl, 4),
    value: ({ coder }) => coder.evaluation?.lossRecoveredKl ?? null,
  },
  {
    name: "FVU eval.",
    hint: "fvu_dataset on the text of the evaluation, on which the principal components are measured too",
    number: true,
    cell: ({ coder }) => significant(coder.evaluation?.metrics.fvuDataset),
    value: ({ coder }) => coder.evaluation?.metrics.fvuDataset ?? null,
  },
  {
    name: "FVU PCA",
    hint: "Share of the variance that the first k principal components leave",
    number: true,
    cell: ({ coder }) => significant(coder.evaluation?.pcaFvu),
    value: ({ coder }) => coder.evaluation?.pcaFvu ?? null,
  },
  {
    name: "eff. rank",
    hint: "Effective rank of the activations: the exponential of the entropy of their spectrum",
    number: true,
    cell: ({ coder }) => significant(coder.evaluation?.effectiveRank),
    value: ({ coder }) => coder.evaluation?.effectiveRank ?? null,
  },
];

function tableOf(rows: Row[], caption: string): HTMLElement {
  const why: RowColumn = {
    name: "why this rate",
    cell: ({ coder }) => element("span", { class: "soft small" }, coder.chosen ? shortened(coder.why) : "not chosen"),
    value: ({ coder }) => (coder.chosen ? coder.why : ""),
  };
  const numbers = [...measured, ...evaluated];
  return sortableTable({
    caption,
    id: "coders",
    columns: [
      ...settings(rows),
      ...numbers.filter(({ value }) => rows.some((row) => known(value?.(row) as number))),
      why,
    ],
    rows,
    noun: "autoencoder",
    filterText: ({ checkpoint, coder }) =>
      `${checkpoint.name} ${coder.site} ${coder.kind} n=${coder.latents} k=${coder.k} lr=${coder.learningRate ?? ""} ` +
      `seed=${coder.seed} ${coder.chosen ? "chosen" : "not chosen"}`,
    sortedBy: "checkpoint",
  });
}

export function codersTable(all: Row[], chosen: Row[]): HTMLElement {
  const place = element("div", {});
  const box = element("input", { type: "checkbox", id: "all-coders" });
  const draw = (): void => {
    const caption = box.checked ? "All autoencoders" : "The autoencoders that were chosen";
    place.replaceChildren(tableOf(box.checked ? all : chosen, caption + common(all)));
  };
  box.checked = chosen.length === 0;
  box.addEventListener("change", draw);
  draw();
  const label = element("label", { for: "all-coders" }, "all learning rates, not the chosen ones only");
  const control = element("div", { class: "filter" }, box, label);
  return figure(
    "",
    [chosen.length > 0 && chosen.length < all.length ? control : null, place],
    "A heading sorts by its column, a second time the other way; what a column is, it says when pointed at. FVU, L0, dead: on " +
      "the validation part; rec.: loss recovered, with FVU eval. and FVU PCA (as many principal components) on the text " +
      "of the evaluation. The filter takes words such as “step-000100”, “k=16”, " +
      "“n=2048” or “lr=0.001”. No row is marked best: FVU does not compare between activations of other spectra.",
  );
}
