// The pages in a real browser: no errors, no requests, the files' numbers, sorting, filters, themes, print.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, describe, test } from "node:test";
import { expectPrintable, expectSound, textOf } from "./checks.mjs";
import { findBrowser, latticelens, openPage, startBrowser } from "./browser.mjs";
import { evaluation, linears, runJson, tableRows, writeAnalysis, writeRun, writeTable } from "./fixtures.mjs";

if (!findBrowser()) {
  console.error("SKIPPED: no chromium on this machine; the pages were not looked at in a browser");
  process.exit(77);
}

const folder = mkdtempSync(`${tmpdir()}/latticelens-pages-`);
let browser;

before(async () => {
  writeRun(`${folder}/run`);
  writeTable(`${folder}/bench`);
  writeAnalysis(`${folder}/analysis`);
  latticelens("report", `${folder}/run`);
  latticelens("report", `${folder}/bench`);
  latticelens("report", `${folder}/analysis`);
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const namesIn = (page) => page.locator("#runs tbody th").allInnerTexts();
const firstNames = async (page) => (await namesIn(page)).map((name) => name.split("\n")[0]);

describe("a run's page", () => {
  test("shows the files' numbers, Japanese too, without an error or a request", async () => {
    const { page, problems } = await openPage(browser, `${folder}/run/report.html`);
    const text = await textOf(page, "main");
    const expected = [
      evaluation.perplexity.toFixed(2),
      evaluation.original_perplexity.toFixed(2),
      evaluation.kl.toFixed(4),
      `${runJson.seconds} s`,
      "1.95 GB",
      "171 MB",
      "4.25",
      "cost 0.58 nats per token: perplexity 19.2 → 34.3, 61\u00a0% of top tokens agree.",
      "小さな模型.gguf",
      "本文.txt",
      "Proven: at most 4.40 times the error of the best choice of codes",
      "11 right answers were lost and 3 gained (p = 0.057)",
      "from 0.382 to 0.285 nats per token",
      "75.1\u00a0% of the tokens got a larger loss",
    ];
    for (const part of expected) assert.ok(text.includes(part), `the page does not say “${part}”`);
    const ids = await page.locator("main > section").evaluateAll((all) => all.map((one) => one.id));
    assert.deepEqual(ids, [
      "done",
      "loss",
      "tokens",
      "tasks",
      "learning",
      "layers",
      "certificates",
      "share",
      "scales",
      "rotation",
      "time",
    ]);
    await expectSound(page);
    assert.deepEqual(problems, []);
  });

  test("has the numbers that --json prints", async () => {
    const printed = JSON.parse(latticelens("report", `${folder}/run`, "--json"));
    assert.equal(printed.report, `${folder}/run/report.html`);
    assert.equal(printed.kl, evaluation.kl);
    const { page } = await openPage(browser, `${folder}/run/report.html`);
    const { run } = JSON.parse(await page.locator("#data").textContent());
    const { report, ...numbers } = printed;
    assert.deepEqual(run.summary, numbers);
    assert.equal(run.peakMemory, runJson.peak_memory);
  });

  test("shows the worst tokens in their context, and what a text says is never code", async () => {
    const { page, problems } = await openPage(browser, `${folder}/run/report.html`);
    const places = await page.locator(".places > li").allInnerTexts();
    assert.equal(places.length, 2);
    assert.match(places[0], /…吾輩は猫である。名前はまだ無い。日本の首都/);
    assert.match(places[0], /料理/);
    assert.match(places[1], /<script>alert\(1\)<\/script>⏎/);
    assert.match(places[1], /part of a character/);
    const width = await page.evaluate(() => {
      const measured = document.createElement("canvas").getContext("2d");
      measured.font = getComputedStyle(document.body).font;
      return measured.measureText("猫").width;
    });
    assert.ok(width > 12, "there is no font with Japanese characters");
    assert.deepEqual(problems, []);
  });

  test("sorts and filters its linears", async () => {
    const { page } = await openPage(browser, `${folder}/run/report.html`);
    await page.locator("#layers summary").click();
    const rows = page.locator("#linears tbody tr");
    assert.equal(await rows.count(), linears.length);
    const errors = await page.locator("#linears tbody tr td:nth-child(4)").allInnerTexts();
    assert.equal(errors[0], "6.10\u00a0%"); // the worst first
    await page.locator("#linears-filter").fill("layer 3 q_proj");
    assert.equal(await rows.count(), 1);
    assert.match(await textOf(page, "#layers .status"), /1 linear of 12/);
  });

  test("is dark and light, by the system or by its button", async () => {
    const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await openPage(browser, `${folder}/run/report.html`, { colorScheme: "light" });
    const dark = await openPage(browser, `${folder}/run/report.html`, { colorScheme: "dark" });
    assert.equal(await background(light.page), "rgb(253, 253, 252)");
    assert.equal(await background(dark.page), "rgb(21, 23, 27)");
    await light.page.getByRole("button", { name: "Dark page" }).press("Enter");
    assert.equal(await background(light.page), "rgb(21, 23, 27)");
    await light.page.getByRole("button", { name: "Light page" }).press("Space");
    assert.equal(await background(light.page), "rgb(253, 253, 252)");
    assert.deepEqual([...light.problems, ...dark.problems], []);
  });

  test("prints light, without what only a screen can use", async () => {
    const { page } = await openPage(browser, `${folder}/run/report.html`, { colorScheme: "dark" });
    await page.emulateMedia({ media: "print" });
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(background, "rgb(253, 253, 252)");
    for (const hidden of ["nav", ".theme"]) assert.equal(await page.locator(hidden).isVisible(), false, hidden);
    assert.ok((await page.pdf({ format: "A4" })).length > 10_000);
  });

  test("fits a sheet of A4", async () => expectPrintable(browser, `${folder}/run/report.html`));

  test("fits a narrow window", async () => {
    const { page, problems } = await openPage(browser, `${folder}/run/report.html`, {
      viewport: { width: 390, height: 800 },
    });
    await expectSound(page);
    assert.deepEqual(problems, []);
  });

  test("has a picture's description for those who do not see it, and a way past the links", async () => {
    const { page } = await openPage(browser, `${folder}/run/report.html`);
    const silent = await page.locator("svg:not([aria-label])").count();
    assert.equal(silent, 0);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the report");
  });
});

describe("hard cases", () => {
  /** The text of the page of such a run, which must be sound. */
  async function textOfRun(name, run, metrics, rows) {
    writeRun(`${folder}/${name}`, run, metrics, rows);
    latticelens("report", `${folder}/${name}`);
    const { page, problems } = await openPage(browser, `${folder}/${name}/report.html`);
    await expectSound(page);
    assert.deepEqual(problems, []);
    return textOf(page, "main");
  }
  const [first] = linears;

  test("errors of zero and a single linear draw", async () => {
    const row = { ...first, error: 0, nearest_error: 0, weight_error: 0, certificate: undefined, rotation: undefined };
    assert.ok((await textOfRun("zero", runJson, [], [row])).includes("every error is zero"));
  });

  test("without calibration the errors are the weights'", async () => {
    const rows = linears.map((row) => ({ ...row, error: null, nearest_error: null, energy: null, certificate: null }));
    const run = { ...runJson, calibration: { files: [], windows: 0, window: 0 } };
    const text = await textOfRun("weights", run, [], rows);
    for (const part of ["there was no calibration text", "1.5\u00a0%", "none: no text was used"])
      assert.ok(text.includes(part), part);
  });

  test("NaN, a continued run and raised damping are told", async () => {
    const run = {
      ...runJson,
      resumed_blocks: 1,
      calibration_activations: { values: 10, clipped: 0, not_finite: 7 },
    };
    const broken = {
      ...evaluation,
      perplexity: null,
      mean_nll: null,
      kl: null,
      windows: [null, null],
      window_kl: [null],
    };
    const row = { ...first, escalations: 2, damping: 0.1 };
    const text = await textOfRun("broken", run, [broken], [row]);
    for (const part of [
      "7 activations came out as NaN or infinite",
      "after 1 block of an earlier",
      "had to be raised for 1 linear",
      "broke the model: its loss is not a number",
    ])
      assert.ok(text.includes(part), part);
  });

  test("a run that has only begun", async () => {
    const text = await textOfRun("begun", { state: "running" }, [], []);
    for (const part of ["This run is not finished.", "No block has been quantized yet"])
      assert.ok(text.includes(part), part);
  });

  test("experts are one kind", async () => {
    const rows = [0, 1].flatMap((layer) =>
      [0, 1, 2].map((expert) => ({ ...first, layer, linear: `mlp.experts.${expert}.up_proj` })),
    );
    assert.ok((await textOfRun("experts", runJson, [evaluation], rows)).includes("All 6 linears"));
  });
});

describe("a comparison's page", () => {
  const byDivergence = [...tableRows].sort((a, b) => a.kl - b.kl).map((row) => row.name);

  test("shows the table's numbers, the closest run first", async () => {
    const { page, problems } = await openPage(browser, `${folder}/bench/report.html`);
    assert.deepEqual(await firstNames(page), [...byDivergence, "wide"]);
    const text = await textOf(page, "#runs");
    for (const row of tableRows) {
      for (const part of [row.perplexity.toFixed(2), row.kl.toFixed(4)]) assert.ok(text.includes(part), part);
    }
    assert.ok(text.includes("the width is no multiple of 4096"));
    assert.match(await textOf(page, ".verdict"), /^八ビット stays closest to the original at 8\.25 bits a weight/);
    const links = await page.locator("#runs a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
    assert.ok(links.includes("rows/brq/report.html"));
    await expectSound(page);
    assert.deepEqual(problems, []);
  });

  test("sorts by a click and by the keyboard, and says so", async () => {
    const { page } = await openPage(browser, `${folder}/bench/report.html`);
    const heading = page.locator("#runs th", { hasText: "time" });
    await heading.getByRole("button").click();
    assert.deepEqual(await firstNames(page), ["rtn", "quarot", "八ビット", "brq", "wide"]);
    assert.equal(await heading.getAttribute("aria-sort"), "ascending");
    await heading.getByRole("button").press("Enter");
    assert.deepEqual(await firstNames(page), ["brq", "八ビット", "quarot", "rtn", "wide"]); // unknown stays last
    assert.equal(await heading.getAttribute("aria-sort"), "descending");
    await page.locator("#runs th", { hasText: "KL" }).getByRole("button").press("Space");
    assert.deepEqual(await firstNames(page), [...byDivergence, "wide"]);
    assert.match(await textOf(page, "#table .status"), /by KL, ascending/);
  });

  test("fits a sheet of A4", async () => expectPrintable(browser, `${folder}/bench/report.html`));

  test("filters the table and the plot", async () => {
    const { page } = await openPage(browser, `${folder}/bench/report.html`);
    const names = () => page.locator("#pareto svg .dot-name").allInnerTexts();
    assert.equal((await names()).length, 4);
    await page.locator("#runs-filter").fill("gptq");
    assert.deepEqual(new Set(await firstNames(page)), new Set(["brq", "八ビット", "quarot"]));
    assert.equal((await names()).length, 3);
    await page.locator("#runs-filter").fill("nothing like this");
    assert.deepEqual(await namesIn(page), []);
    assert.ok((await textOf(page, "#pareto")).includes("leaves no run"));
    await page.locator("#runs-filter").fill("");
    await page.locator("#price").selectOption("time to quantize");
    assert.ok((await page.locator("#pareto svg").textContent()).includes("time to quantize"));
  });

  test("compares runs that are given one by one, and warns of other texts", async () => {
    writeRun(`${folder}/other`, runJson, [{ ...evaluation, text: ["another.txt"], kl: 0.9 }]);
    latticelens("report", `${folder}/run`, `${folder}/other`, "--out", `${folder}/both.html`);
    const { page, problems } = await openPage(browser, `${folder}/both.html`);
    assert.deepEqual(await firstNames(page), ["run brq", "other brq"]);
    assert.match(await textOf(page, ".alarm"), /Not the same measurement: other/);
    assert.deepEqual(problems, []);
  });
});

describe("an analysis' page", () => {
  test("shows the findings and draws all kinds of pictures", async () => {
    const { page, problems } = await openPage(browser, `${folder}/analysis/report.html`);
    const text = await textOf(page, "main");
    for (const part of [
      "It falls to 0.625.",
      "Here refuted.",
      "supports 0 and refutes 1.",
      "小さな模型.gguf",
      "no rotation",
      "0.0625",
      "Figure 6",
      "Errors <b>",
    ])
      assert.ok(text.includes(part), part);
    assert.equal(await page.locator("#regular-blocks svg").count(), 2);
    await expectSound(page);
    assert.deepEqual(problems, []);
  });
});

describe("partial runs", () => {
  test("say what is missing and how to get it", async () => {
    writeRun(`${folder}/unevaluated`, runJson, []);
    const { times, seconds, peak_memory, model_bytes, ...rest } = runJson;
    writeRun(`${folder}/unfinished`, { ...rest, state: "running" }, []);
    latticelens("report", `${folder}/unevaluated`);
    latticelens("report", `${folder}/unfinished`);
    const unevaluated = await openPage(browser, `${folder}/unevaluated/report.html`);
    const text = await textOf(unevaluated.page, "main");
    assert.ok(text.includes("what they cost has not been measured yet"));
    assert.ok(text.includes(`latticelens evaluate ${folder}/unevaluated --text`));
    const unfinished = await openPage(browser, `${folder}/unfinished/report.html`);
    assert.ok((await textOf(unfinished.page, "main")).includes("This run is not finished: 6 of 6 blocks quantized."));
    await expectSound(unfinished.page);
    assert.deepEqual([...unevaluated.problems, ...unfinished.problems], []);
  });
});
