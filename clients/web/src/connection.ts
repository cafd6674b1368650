// A banner while the device is offline, and one sentence when it is back.

import { byId } from "./dom.js";

const WELCOME_MILLISECONDS = 4000;

export function watchConnection(): void {
  const banner = byId("connection");
  const show = (sentence: string): void => {
    banner.textContent = sentence;
    banner.hidden = sentence === "";
  };
  const offline = (): void => {
    banner.dataset["state"] = "offline";
    show("You are offline. What you ask for is kept, and sent when you are back.");
  };
  addEventListener("offline", offline);
  addEventListener("online", () => {
    banner.dataset["state"] = "online";
    show("You are back online.");
    setTimeout(() => navigator.onLine && show(""), WELCOME_MILLISECONDS);
  });
  if (!navigator.onLine) offline();
}
