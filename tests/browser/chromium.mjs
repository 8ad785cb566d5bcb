// Where Chromium is, and how the browser tests start it.

import { existsSync } from "node:fs";

const { CHROMIUM = process.env.NETDRIVER_CHROMIUM ?? "/usr/bin/chromium" } = process.env;

export const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The path of Chromium; ends the program when it is not there. */
export function requireChromium() {
  if (existsSync(CHROMIUM)) return CHROMIUM;
  console.error(`no Chromium at ${CHROMIUM}: install it or set CHROMIUM`);
  return process.exit(2);
}
