// Numbers as people read them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";

const built = await build({ entryPoints: ["src/numbers.ts"], bundle: true, format: "esm", write: false });
const source = Buffer.from(built.outputFiles[0].contents).toString("base64");
const numbers = await import(`data:text/javascript;base64,${source}`);

test("numbers have few digits, separators and true signs", () => {
  const { significant, trimmed, trimmedPercent, fixed, whole, percent, powerOfTwo, countOf } = numbers;
  assert.equal(significant(0.0123456), "0.0123");
  assert.equal(significant(1234567), "1,234,567");
  assert.equal(significant(9.996), "10.0");
  assert.equal(significant(-0.5, 1), "−0.5");
  assert.equal(significant(1.5e-9, 2), "1.5 × 10⁻⁹");
  assert.equal(significant(1e300, 2), "1.0 × 10³⁰⁰");
  assert.equal(significant(5e-324, 2), "4.9 × 10⁻³²⁴");
  assert.equal(significant(null), "–");
  assert.equal(trimmed(0.65), "0.65");
  assert.equal(trimmed(100), "100");
  assert.equal(trimmedPercent(0.01), "1\u00a0%");
  assert.equal(fixed(1234.5, 2), "1,234.50");
  assert.equal(fixed(-0.0001, 2), "0.00");
  assert.equal(whole(49152), "49,152");
  assert.equal(whole(-1000), "−1,000");
  assert.equal(percent(0.0257), "2.57\u00a0%");
  assert.equal(powerOfTwo(-12), "2⁻¹²");
  assert.equal(countOf(1, "window"), "1 window");
});

test("times and sizes have the unit that suits them", () => {
  const { timeText, sizeText, shareWithError } = numbers;
  assert.equal(timeText(12.5), "12.5 s");
  assert.equal(timeText(118.5), "1 min 58 s");
  assert.equal(sizeText(171253673), "171 MB");
  assert.equal(sizeText(1946476544), "1.95 GB");
  assert.equal(shareWithError(0.65, 0.048), "65.0 ± 4.8\u00a0%");
});
