// Dark or light: the system's choice until the person makes one, which is kept.

import { byId } from "./dom.js";

const KEPT = "emberframe-theme";

export function offerThemes(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId("theme");
  const show = (): void => {
    const chosen = kept();
    if (chosen) document.documentElement.dataset["theme"] = chosen;
    button.setAttribute("aria-pressed", String((chosen ?? named(system.matches)) === "dark"));
  };
  button.addEventListener("click", () => {
    localStorage.setItem(KEPT, named(button.getAttribute("aria-pressed") !== "true"));
    show();
  });
  system.addEventListener("change", show);
  show();
}

function kept(): "dark" | "light" | undefined {
  const value = localStorage.getItem(KEPT);
  return value === "dark" || value === "light" ? value : undefined;
}

function named(dark: boolean): "dark" | "light" {
  return dark ? "dark" : "light";
}
