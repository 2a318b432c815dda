// The tokens whose predictions changed most, in their context, and how the losses of all tokens did.
import { section, type Section } from "../blocks";
import type { LossChanges, Run, TokenPlace } from "../data";
import { type Content, element, paragraph } from "../elements";
import { fixed, known, percent, significant } from "../numbers";
import { table } from "../table";

/** The newest evaluation that kept its places. */
function latest(run: Run): { changes: LossChanges | null; places: TokenPlace[]; text: string[] } | null {
  return [...run.evaluations].reverse().find((row) => row.places.length > 0) ?? null;
}

/** White space that would not be seen stands for itself; bytes that are no text are told. */
function visible(token: string): Content {
  if (token === "") return element("span", { class: "soft" }, "(nothing)");
  if (/^\uFFFD+$/.test(token)) return element("span", { class: "soft" }, "(part of a character)");
  return token.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/^ /, "␣");
}

/** Han characters have other shapes in Japanese than in Chinese; kana tell which they are. */
function languageOf(text: string): string | undefined {
  return /[\u3040-\u30ff]/.test(text) ? "ja" : undefined;
}

function placeItem(place: TokenPlace): HTMLElement {
  const context = element(
    "p",
    { class: "context" },
    element("span", { class: "before" }, "…", place.before),
    element("mark", {}, visible(place.token)),
  );
  const said = (who: string, token: string): Content => [
    element("dt", {}, who),
    element("dd", {}, element("span", { class: "token" }, visible(token))),
  ];
  const numbers =
    `KL ${significant(place.kl)}; loss of the token that comes ${fixed(place.originalLoss, 2)} → ${fixed(place.loss, 2)} ` +
    `nats; window ${place.window + 1}, token ${place.position + 1}`;
  return element(
    "li",
    { lang: languageOf(place.before + place.token) },
    context,
    element(
      "dl",
      { class: "said" },
      said("original expects", place.originalLikeliest),
      said("this run expects", place.likeliest),
    ),
    element("p", { class: "soft small" }, numbers),
  );
}

function changesTable(changes: LossChanges): HTMLElement {
  const columns = changes.quantiles.map(([share], place) => ({
    name: share,
    number: place > 0,
    cell: (row: LossChanges) => {
      const change = row.quantiles[place]?.[1] ?? null;
      return known(change) ? `${change >= 0 ? "+" : ""}${fixed(change, 3)}` : "–";
    },
  }));
  return table("Change of a token’s loss, nats: the value that so many tokens do not exceed", columns, [changes]);
}

function finding(changes: LossChanges | null, places: TokenPlace[]): string {
  const worst = places[0];
  const worse = changes ? `${percent(changes.worse)} of the tokens got a larger loss. ` : "";
  return `${worse}Nowhere do the predictions differ more than by ${significant(worst?.kl ?? null)} nats.`;
}

const first = 5; // shown without asking

/** null when no evaluation kept its places. */
export function tokensSection(run: Run): Section | null {
  const row = latest(run);
  if (!row) return null;
  const list = (places: TokenPlace[], start: number): HTMLElement =>
    element("ol", { class: "places", start: String(start) }, places.map(placeItem));
  const rest = row.places.slice(first);
  const more =
    rest.length > 0
      ? element("details", {}, element("summary", {}, `The next ${rest.length}`), list(rest, first + 1))
      : null;
  return section(
    "tokens",
    "Worst tokens in context",
    finding(row.changes, row.places),
    paragraph(
      "soft",
      `Where in ${row.text.join(", ")} the predictions are furthest from the original’s, KL(original‖this run). ` +
        "The marked token is the one that the text goes on with.",
    ),
    list(row.places.slice(0, first), 1),
    more,
    row.changes ? changesTable(row.changes) : null,
  );
}
