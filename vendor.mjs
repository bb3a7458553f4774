// Writes the browser's libraries to a folder as pages load them: Tabler without the rules that no page can meet, Inter
// without the weights that no page is set in. `make setup` calls it.
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { PurgeCSS } from "purgecss";
import subsetFont from "subset-font";

const [to] = process.argv.slice(2);
const library = (path) => `node_modules/${path}`;

await copyFile(library("htmx.org/dist/htmx.min.js"), `${to}/htmx.min.js`);

// Whatever stands anywhere in our templates, scripts and Python counts as used, be it a class or not; our own sheets are
// read along for the properties that they take from Tabler's.
const ours = "workfloor/**/!(vendor)/*";
const [tabler] = await new PurgeCSS().purge({
  content: [`${ours}.{html,js,py}`],
  css: [library("@tabler/core/dist/css/tabler.min.css"), `${ours}.css`],
  safelist: { greedy: [/:focus-visible/] },
  dynamicAttributes: ["data-bs-theme", "cols"],
  variables: true,
  keyframes: true,
});
await writeFile(`${to}/tabler.min.css`, tabler.css);

// Every character that the font has: names are written as before.
const characters = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).join("");
const inter = await readFile(library("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"));
const weights = { wght: { min: 400, max: 700 } };
await writeFile(`${to}/inter.woff2`, await subsetFont(inter, characters, { targetFormat: "woff2", variationAxes: weights }));
