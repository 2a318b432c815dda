// What every page has around its sections.
import { navigation, type Section } from "./blocks";
import { type Content, element } from "./elements";
import { themeButton } from "./theme";

export interface Page {
  eyebrow: string;
  title: Content;
  head: Content; // the verdict and what belongs to it
  sections: Section[];
  footer: string;
}

export function show(page: Page): void {
  const header = element(
    "header",
    {},
    element("div", { class: "top" }, element("p", { class: "eyebrow" }, page.eyebrow), themeButton()),
    element("h1", {}, page.title),
    page.head,
  );
  document.body.append(
    element("a", { class: "skip", href: "#content" }, "Skip to the report"),
    element(
      "main",
      { id: "content" },
      header,
      navigation(page.sections),
      page.sections.map((section) => section.element),
    ),
    element("footer", {}, page.footer),
  );
}
