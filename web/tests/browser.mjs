// The distribution's Chromium, headless; every message on the console and every request fails the test.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function findBrowser() {
  const named = process.env.LATTICELENS_BROWSER;
  return named ? named : places.find((place) => existsSync(place));
}

export async function startBrowser() {
  return chromium.launch({ executablePath: findBrowser(), args: ["--no-sandbox", "--disable-gpu"] });
}

/** Opens a file; `problems` gathers what the page complains of or asks for. */
export async function openPage(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== encodeURI(`file://${file}`)) problems.push(`request: ${request.url()}`);
  });
  await page.goto(`file://${file}`);
  return { page, problems };
}

/** Runs latticelens; its error is the test's. */
export function latticelens(...words) {
  const program = process.env.LATTICELENS_PROGRAM;
  if (!program) throw new Error("LATTICELENS_PROGRAM names no program; run this test with ctest");
  const done = spawnSync(program, words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`latticelens ${words.join(" ")}: ${done.stderr}${done.stdout}`);
  return done.stdout;
}
