// Dark or light: the system's choice until the person makes one, which is kept.

import { byId } from "./dom.js";

const KEPT = "emberframe-theme";

export function offerThemes(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");
  // Where the browser keeps nothing the choice lasts as long as the page.
  let chosen = kept();
  const show = (): void => {
    if (chosen) document.documentElement.dataset["theme"] = chosen;
    button.setAttribute("aria-pressed", String((chosen ?? named(system.matches)) === "dark"));
  };
  button.addEventListener("click", () => {
    chosen = named(button.getAttribute("aria-pressed") !== "true");
    keep(chosen);
    show();
  });
  system.addEventListener("change", show);
  show();
}

function kept(): "dark" | "light" | undefined {
  try {
    const value = localStorage.getItem(KEPT);
    return value === "dark" || value === "light" ? value : undefined;
  } catch {
    return undefined; // site data are blocked
  }
}

function keep(theme: "dark" | "light"): void {
  try {
    localStorage.setItem(KEPT, theme);
  } catch {
    // They are blocked.
  }
}

function named(dark: boolean): "dark" | "light" {
  return dark ? "dark" : "light";
}
