// What holds for every page.
import assert from "node:assert/strict";
import { openPage } from "./browser.mjs";

export const textOf = (page, selector) => page.locator(selector).innerText();

/** Nothing is wider than the window, and no text is NaN, undefined or an object. */
export async function expectSound(page) {
  const text = await page.locator("body").innerText();
  assert.doesNotMatch(text, /\bNaN\b(?! or infinite)|undefined|\[object|Infinity|null/);
  for (const picture of await page.locator("svg").evaluateAll((all) => all.map((one) => one.outerHTML)))
    assert.doesNotMatch(picture, /NaN|undefined|Infinity/);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wider, 0, "the page is wider than the window");
}

/** Nothing that would scroll on a screen is cut off on paper. */
export async function expectPrintable(browser, file) {
  const { page } = await openPage(browser, file);
  await page.emulateMedia({ media: "print" });
  await page.setViewportSize({ width: 703, height: 1000 }); // A4 without its margins
  const cut = await page
    .locator(".scroll")
    .evaluateAll((boxes) =>
      boxes
        .filter((box) => box.scrollWidth > box.clientWidth)
        .map((box) => `${box.getAttribute("aria-label")}: ${box.scrollWidth} in ${box.clientWidth}`),
    );
  assert.deepEqual(cut, []);
}
