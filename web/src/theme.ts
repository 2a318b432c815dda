// Light or dark: the system's choice, until the reader makes another one for this page.
import { element } from "./elements";

type Theme = "light" | "dark";

function shown(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function themeButton(): HTMLElement {
  const button = element("button", { type: "button", class: "theme" });
  const label = (): void => {
    button.textContent = shown() === "dark" ? "Light page" : "Dark page";
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset["theme"] = shown() === "dark" ? "light" : "dark";
    label();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();
  return button;
}
