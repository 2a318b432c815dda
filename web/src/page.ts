// Draws the page that its data are for.
import "./style/colors.css";
import "./style/base.css";
import "./style/blocks.css";
import "./style/tables.css";
import "./style/charts.css";
import "./style/narrow.css";
import "./style/print.css";
import { showAnalysis } from "./analysis/analysis_page";
import { showComparison } from "./comparison/comparison_page";
import type { PageData } from "./data";
import { showRun } from "./run/run_page";
import { showSaes } from "./sae/sae_page";

const text = document.getElementById("data")?.textContent;
if (!text) throw new Error("the page has no data; write it again with latticelens report");
const data = JSON.parse(text) as PageData;
if (data.kind === "run") showRun(data.run);
else if (data.kind === "comparison") showComparison(data.comparison);
else if (data.kind === "sae") showSaes(data.sae);
else showAnalysis(data.analysis);
