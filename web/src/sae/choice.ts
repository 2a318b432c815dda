// A picture for each of several things, and the list to choose from.
import { type Content, element } from "../elements";

export interface Option {
  name: string;
  draw: () => Content;
}

/** Without a list where there is no choice. Only what is chosen is drawn. */
export function choice(id: string, label: string, options: Option[], first = 0): Content {
  const initial = options[first] ?? options[0];
  if (!initial) return null;
  if (options.length === 1) return initial.draw();
  const select = element(
    "select",
    { id },
    options.map(({ name }, place) => element("option", { value: String(place) }, name)),
  );
  select.value = String(options.indexOf(initial));
  const place = element("div", {}, initial.draw());
  select.addEventListener("change", () => {
    const drawn = options[Number(select.value)]?.draw() ?? null;
    place.replaceChildren(element("div", {}, drawn));
  });
  return [element("div", { class: "filter" }, element("label", { for: id }, label), select), place];
}
