// The blocks that pages are made of: sections, figures, facts, and notes on what is missing.
import { type Content, element, paragraph } from "./elements";

/** A section of the page; `title` is also its link in the navigation. */
export interface Section {
  id: string;
  title: string;
  element: HTMLElement;
}

/** `finding`: what the section shows, in one sentence. */
export function section(id: string, title: string, finding: Content, ...content: Content[]): Section {
  const heading = element("h2", { id: `${id}-heading` }, title);
  const found = finding ? paragraph("finding", finding) : null;
  return {
    id,
    title,
    element: element("section", { id, "aria-labelledby": `${id}-heading` }, heading, found, ...content),
  };
}

export function navigation(sections: Section[]): HTMLElement {
  const links = sections.map(({ id, title }) => element("li", {}, element("a", { href: `#${id}` }, title)));
  return element("nav", { "aria-label": "Sections" }, element("ul", {}, links));
}

/** Scrolls by itself on a narrow screen; focusable, so that the arrow keys scroll it. */
export function scroller(name: string, content: Content): HTMLElement {
  const attributes = { class: "scroll", role: "region", tabindex: "0", "aria-label": name };
  return element("div", attributes, content);
}

export function figure(title: string, content: Content, caption: string): HTMLElement {
  return element("figure", {}, title ? element("h3", {}, title) : null, content, element("figcaption", {}, caption));
}

/** A term and what it is, in two columns. */
export function facts(rows: [term: Content, meaning: Content][]): HTMLElement {
  const cells = rows.map(([term, meaning]) => [element("dt", {}, term), element("dd", {}, meaning)]);
  return element("dl", { class: "facts" }, cells);
}

export interface Tile {
  name: string;
  value: string;
  note: string;
}

export function tilesOf(tiles: Tile[]): HTMLElement | null {
  if (tiles.length === 0) return null;
  const made = tiles.map(({ name, value, note }) =>
    element(
      "div",
      {},
      element("dt", {}, name),
      element("dd", { class: "figure" }, value),
      element("dd", { class: "note" }, note),
    ),
  );
  return element("dl", { class: "tiles" }, made);
}

export function commandBlock(command: string): HTMLElement {
  return element("pre", {}, element("code", {}, command));
}

/** What is missing, and the command that gives it. */
export function missing(what: string, command: string): HTMLElement {
  return element("div", { class: "missing" }, paragraph(undefined, what), commandBlock(command));
}

export function alarm(text: string): HTMLElement {
  return element("p", { class: "alarm", role: "alert" }, text);
}

/** One entry a line style: the key to a figure. */
export function legend(entries: { name: string; color: string; dashed?: boolean }[]): HTMLElement {
  const made = entries.map(({ name, color, dashed }) => {
    const swatch = element("span", { class: dashed ? "swatch dashed" : "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--c", color);
    return element("li", {}, swatch, name);
  });
  return element("ul", { class: "legend" }, made);
}
