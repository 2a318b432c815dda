// Tables: plain ones, and ones that are sorted by their headings and filtered by a text.
import { scroller } from "./blocks";
import type { Known } from "./data";
import { type Content, element } from "./elements";
import { countOf, known } from "./numbers";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => Content;
  /** Sorted by this; numbers stand to the right. */
  value?: (row: Row) => Known | string;
  number?: boolean;
  /** The best one is bold. */
  best?: "lowest" | "highest";
  hint?: string;
}

type Comparable = Known | string;

/** What is not known comes last, whichever way the others stand. */
function compare(a: Comparable, b: Comparable, descending: boolean): number {
  const missingA = a === null || a === "";
  const missingB = b === null || b === "";
  if (missingA || missingB) return Number(missingA) - Number(missingB);
  const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
  return descending ? -order : order;
}

/** null where there is none, or where all are the same. */
function bestOf<Row>(column: Column<Row>, rows: Row[]): Known {
  if (!column.best || !column.value) return null;
  const values = rows.map(column.value).filter((value): value is number => typeof value === "number" && known(value));
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (values.length < 2 || low === high) return null;
  return column.best === "lowest" ? low : high;
}

function cellOf<Row>(column: Column<Row>, row: Row, first: boolean, best: Known): HTMLElement {
  const shown = column.cell(row);
  const isBest = best !== null && column.value?.(row) === best;
  const content = isBest ? element("strong", {}, shown) : shown;
  const style = column.number ? "number" : undefined;
  return first ? element("th", { scope: "row", class: style }, content) : element("td", { class: style }, content);
}

function rowOf<Row>(columns: Column<Row>[], row: Row, best: Known[]): HTMLTableRowElement {
  return element(
    "tr",
    {},
    columns.map((column, place) => cellOf(column, row, place === 0, best[place] ?? null)),
  );
}

export function table<Row>(caption: string, columns: Column<Row>[], rows: Row[]): HTMLElement {
  const head = columns.map((column) =>
    element("th", { scope: "col", class: column.number ? "number" : undefined, title: column.hint }, column.name),
  );
  const best = columns.map((column) => bestOf(column, rows));
  const body = rows.map((row) => rowOf(columns, row, best));
  const made = element(
    "table",
    {},
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, body),
  );
  return scroller(caption, made);
}

export interface SortableTable<Row> {
  caption: string;
  id: string;
  columns: Column<Row>[];
  rows: Row[];
  noun: string; // "run": what a row is
  filterText: (row: Row) => string;
  sortedBy: string; // a column's name
  descending?: boolean;
  /** Called with the rows that the filter leaves. */
  onFilter?: (rows: Row[]) => void;
}

/** A click on a heading, or Enter or Space on it, sorts by that column; again, the other way. */
export function sortableTable<Row>(options: SortableTable<Row>): HTMLElement {
  const { columns, rows } = options;
  let sorted = Math.max(
    0,
    columns.findIndex((column) => column.name === options.sortedBy),
  );
  let descending = options.descending ?? false;
  const best = columns.map((column) => bestOf(column, rows));
  const shown = new Map(rows.map((row) => [row, rowOf(columns, row, best)]));
  const body = element("tbody");
  const status = element("p", { class: "status", role: "status" });
  const filter = element("input", {
    type: "search",
    id: `${options.id}-filter`,
    autocomplete: "off",
    spellcheck: "false",
  });
  const buttons = columns.map((column) => element("button", { type: "button", title: column.hint }, column.name));
  const headings = columns.map((column, place) =>
    element("th", { scope: "col", class: column.number ? "number" : undefined }, buttons[place]),
  );

  function remaining(): Row[] {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    return rows.filter((row) => {
      const text = options.filterText(row).toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }

  function show(): void {
    const column = columns[sorted];
    const left = remaining();
    const value = (row: Row): Comparable => column?.value?.(row) ?? null;
    left.sort((a, b) => compare(value(a), value(b), descending));
    body.replaceChildren(...left.flatMap((row) => shown.get(row) ?? []));
    const way = descending ? "descending" : "ascending";
    headings.forEach((heading, place) => heading.setAttribute("aria-sort", place === sorted ? way : "none"));
    const part = left.length === rows.length ? "" : ` of ${rows.length}`;
    status.textContent = `${countOf(left.length, options.noun)}${part}, by ${column?.name ?? ""}, ${way}`;
    options.onFilter?.(left);
  }

  buttons.forEach((button, place) =>
    button.addEventListener("click", () => {
      descending = place === sorted ? !descending : columns[place]?.best === "highest";
      sorted = place;
      show();
    }),
  );
  filter.addEventListener("input", show);
  show();
  const made = element(
    "table",
    { class: "sortable", id: options.id },
    element("caption", {}, options.caption),
    element("thead", {}, element("tr", {}, headings)),
    body,
  );
  const label = element("label", { for: filter.id }, `Show only the ${options.noun}s with`);
  return element(
    "div",
    {},
    element("div", { class: "filter" }, label, filter, status),
    scroller(options.caption, made),
  );
}
