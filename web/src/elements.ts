// Elements of a page. Texts become text nodes, so nothing that a file says is ever read as HTML.
export type Content = Node | string | null | undefined | Content[];

type Attributes = Record<string, string | undefined>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...content: Content[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  append(made, content);
  return made;
}

function append(parent: Node, content: Content): void {
  if (Array.isArray(content)) content.forEach((one) => append(parent, one));
  else if (typeof content === "string") parent.appendChild(document.createTextNode(content));
  else if (content) parent.appendChild(content);
}

export function paragraph(style: string | undefined, ...content: Content[]): HTMLElement {
  return element("p", { class: style }, ...content);
}
