// The page of autoencoders in a real browser: the files' numbers, sorting, filter, choices, themes, print.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, describe, test } from "node:test";
import { findBrowser, latticelens, openPage, startBrowser } from "./browser.mjs";
import { expectPrintable, expectSound, textOf } from "./checks.mjs";
import { saeJson, singleJson, writeSaes } from "./sae_fixtures.mjs";

if (!findBrowser()) {
  console.error("SKIPPED: no chromium on this machine; the page was not looked at in a browser");
  process.exit(77);
}

const folder = mkdtempSync(`${tmpdir()}/latticelens-sae-`);
const full = `${folder}/自己符号化器`;
let browser;

before(async () => {
  writeSaes(full);
  writeSaes(`${folder}/single`, singleJson, null);
  latticelens("report", full);
  latticelens("report", `${folder}/single`);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (options) => openPage(browser, `${full}/report.html`, options);
const rows = (page) => page.locator("#coders tbody tr");
const cells = (page, heading) =>
  page.locator("#coders").evaluate((table, name) => {
    const headings = [...table.querySelectorAll("thead th")].map((one) => one.textContent);
    const place = headings.indexOf(name);
    return [...table.querySelectorAll("tbody tr")].map((row) => row.children[place].textContent);
  }, heading);

describe("the page of autoencoders", () => {
  test("says what the files say, without an error or a request", async () => {
    const { page, problems } = await open();
    assert.match(await textOf(page, "h1"), /自己符号化器/);
    const coders = saeJson.checkpoints.flatMap((checkpoint) => checkpoint.coders);
    assert.equal(
      await textOf(page, ".verdict"),
      `${coders.length} autoencoders of 3 checkpoints: the least FVU is 0.000810 (step-000064), the largest share of ` +
        "dead latents 93.5\u00a0% (step-000064); they recover 87.00\u00a0% of what zeros would cost the model (KL).",
    );
    assert.match(
      await textOf(page, "header .finding"),
      /^8 of 24 autoencoders reconstruct worse than as many principal components/,
    );
    const ids = await page.locator("main > section").evaluateAll((all) => all.map((one) => one.id));
    assert.deepEqual(ids, ["table", "training", "checkpoints", "density", "sweep", "time"]);
    const text = await textOf(page, "main");
    for (const part of [
      "does not compare between checkpoints whose activations have other spectra",
      "3,250",
      "tokens in 50 documents of ja",
      "1 min 00 s",
      "689 MB",
      "2,048",
      "48 of 4,096",
      "日本語",
    ])
      assert.ok(text.includes(part), `the page does not say “${part}”`);
    await expectSound(page);
    assert.deepEqual(problems, []);
  });

  test("has the numbers that --json prints", async () => {
    const printed = JSON.parse(latticelens("report", full, "--json"));
    const chosen = saeJson.checkpoints.flatMap(({ coders }) => coders.filter((coder) => coder.learning_rate === 0.001));
    assert.deepEqual(printed, {
      report: `${full}/report.html`,
      checkpoints: 3,
      coders: 48,
      fvu_dataset: Math.min(...chosen.map((coder) => coder.validation.fvu_dataset)),
      dead: 0.935,
    });
  });

  test("sorts and filters the chosen, and shows all when asked", async () => {
    const { page, problems } = await open();
    assert.equal(await rows(page).count(), 24);
    assert.equal((await cells(page, "checkpoint"))[0], "step-000000");
    const heading = page.locator("#coders th", { hasText: /^FVU$/ });
    await heading.getByRole("button").click();
    assert.deepEqual((await cells(page, "FVU")).slice(0, 1), ["0.0008100"]);
    assert.equal(await heading.getAttribute("aria-sort"), "ascending");
    await heading.getByRole("button").press("Enter");
    assert.equal((await cells(page, "FVU"))[0], "0.3520");
    await page.locator("#coders-filter").fill("step-000008 block:2 k=8 n=64");
    assert.deepEqual(await cells(page, "dead"), ["49.0\u00a0%"]);
    assert.deepEqual(await cells(page, "rec. KL"), ["87.00\u00a0%"]);
    assert.match((await cells(page, "why this rate"))[0], /^least; 0\.0003: 0\.0492$/);
    await page.getByLabel("all learning rates").check();
    assert.equal(await rows(page).count(), 48);
    await page.locator("#coders-filter").fill("lr=0.0003");
    assert.equal(await rows(page).count(), 24);
    assert.ok((await cells(page, "why this rate")).every((text) => text === "not chosen"));
    assert.deepEqual(problems, []);
  });

  test("draws the checkpoint, the coder and the site that are chosen", async () => {
    const { page, problems } = await open();
    await page.locator("#training-checkpoint").selectOption("step-000000");
    const lines = () => page.locator("#training .legend").first().locator("li").allInnerTexts();
    assert.equal((await lines()).length, 8); // all at block:1
    await page.locator("#training-coders").selectOption("block:2, topk, 128 latents, k 8");
    assert.deepEqual(await lines(), ["rate 0.0003", "rate 0.001 (chosen)"]);
    assert.equal(await page.locator("#training svg").count(), 2);
    await page.locator("#checkpoints-coder").selectOption("block:2, topk, 64 latents, k 4");
    assert.equal(await page.locator("#checkpoints svg").count(), 5);
    const ticks = page.locator("#checkpoints svg").first().locator('[aria-label="x-axis tick label"] text');
    assert.deepEqual(await ticks.allTextContents(), ["0", "8", "64"]);
    await page.locator("#sweep-place").selectOption("step-000008, block:1, topk");
    assert.ok((await page.locator("#sweep svg").first().textContent()).includes("0.00820")); // 128 latents, k 8
    await page.locator("#density-coder").selectOption("block:1, topk, 128 latents, k 8");
    assert.ok((await page.locator("#density svg").textContent()).includes("93.5\u00a0% dead"));
    await expectSound(page);
    assert.deepEqual(problems, []);
  });

  test("is dark and light", async () => {
    const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await open({ colorScheme: "light" });
    const dark = await open({ colorScheme: "dark" });
    assert.equal(await background(light.page), "rgb(253, 253, 252)");
    assert.equal(await background(dark.page), "rgb(21, 23, 27)");
    await light.page.getByRole("button", { name: "Dark page" }).press("Enter");
    assert.equal(await background(light.page), "rgb(21, 23, 27)");
    assert.deepEqual([...light.problems, ...dark.problems], []);
  });

  test("fits a sheet of A4", async () => expectPrintable(browser, `${full}/report.html`));

  test("fits a narrow window, and every picture has a description", async () => {
    const { page, problems } = await open({ viewport: { width: 390, height: 800 } });
    await expectSound(page);
    assert.equal(await page.locator("svg:not([aria-label])").count(), 0);
    assert.deepEqual(problems, []);
  });

  test("says what is missing of a single checkpoint that is not evaluated", async () => {
    const { page, problems } = await openPage(browser, `${folder}/single/report.html`);
    assert.match(await textOf(page, ".verdict"), /how much of the model’s loss they recover has not been measured\.$/);
    assert.match(await textOf(page, ".alarm"), /not finished: 2 checkpoints to go/);
    const text = await textOf(page, "main");
    for (const part of ["最終", `latticelens sae evaluate ${folder}/single`]) assert.ok(text.includes(part), part);
    await expectSound(page);
    assert.deepEqual(problems, []);
  });
});
