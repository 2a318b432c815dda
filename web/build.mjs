// Builds the pages' program and style sheet, and the C++ file that holds both: node build.mjs [FILE.cpp].
import { build } from "esbuild";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2] ?? `${folder}/dist/page_bundle.cpp`);

const built = await build({
  entryPoints: [`${folder}/src/page.ts`],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  legalComments: "none",
  write: false,
  outdir: "dist",
});

function textOf(extension) {
  const found = built.outputFiles.filter((file) => file.path.endsWith(extension));
  if (found.length !== 1) throw new Error(`esbuild wrote ${found.length} files *${extension}, not one`);
  return found[0].text;
}

/** A raw string of C++. Long ones are cut: compilers limit a single literal, not their sum. */
function literal(text) {
  const delimiter = "bundle";
  if (text.includes(`)${delimiter}"`)) throw new Error("the bundle holds the end of its own literal");
  const pieces = [];
  for (let start = 0; start < text.length; start += 16000) pieces.push(text.slice(start, start + 16000));
  return pieces.map((piece) => `R"${delimiter}(${piece})${delimiter}"`).join("\n");
}

const script = textOf(".js");
const style = textOf(".css");
if (/<\/script|<!--/i.test(script)) throw new Error("the script would end its own element");
if (/<\/style/i.test(style)) throw new Error("the style sheet would end its own element");
if (/url\(\s*["']?https?:|@import/i.test(style)) throw new Error("the style sheet asks for another file");

mkdirSync(dirname(output), { recursive: true });
const temporary = `${output}.tmp`;
writeFileSync(
  temporary,
  `// Made by web/build.mjs.
#include "report/page_bundle.h"

namespace latticelens::report {

const char* const page_script = ${literal(script)};

const char* const page_style = ${literal(style)};

} // namespace latticelens::report
`,
);
renameSync(temporary, output);
console.log(`pages: ${Math.round(script.length / 1000)} kB of script, ${Math.round(style.length / 1000)} kB of style`);
