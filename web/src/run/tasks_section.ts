// Questions of multiple choice, beside the original's answers.
import { figure, section, type Section } from "../blocks";
import { type Interval, intervalChart } from "../charts/intervals";
import type { Metric, Run, Tasks } from "../data";
import { paragraph } from "../elements";
import { countOf, known, shareWithError, significant, trimmedPercent, whole } from "../numbers";
import { type Column, table } from "../table";

interface Row {
  task: string;
  items: string;
  metric: string;
  numbers: Metric;
}

const columns: Column<Row>[] = [
  { name: "task", cell: (row) => row.task },
  { name: "items", number: true, cell: (row) => row.items },
  { name: "metric", cell: (row) => row.metric },
  { name: "this run", number: true, cell: ({ numbers }) => shareWithError(numbers.value, numbers.standardError) },
  {
    name: "original",
    number: true,
    cell: ({ numbers }) => shareWithError(numbers.original, numbers.originalStandardError),
  },
  { name: "lost", number: true, cell: ({ numbers }) => whole(numbers.lost) },
  { name: "gained", number: true, cell: ({ numbers }) => whole(numbers.gained) },
  { name: "p", number: true, cell: ({ numbers }) => significant(numbers.p, 2) },
];

/** acc_norm where there is one, else acc: what the mean is of. */
function chosenMetric(metrics: (Metric & { name: string })[]): Metric | undefined {
  return metrics.find((metric) => metric.name === "acc_norm") ?? metrics[0];
}

function intervals(tasks: Tasks): Interval[] {
  const named: [string, Metric | undefined][] = [
    ...tasks.tasks.map((task): [string, Metric | undefined] => [task.name, chosenMetric(task.metrics)]),
    ["mean", tasks.mean],
  ];
  return named.flatMap(([name, metric]) =>
    metric
      ? [
          { name, who: "original", value: metric.original, error: metric.originalStandardError, color: "var(--soft)" },
          { name, who: "this run", value: metric.value, error: metric.standardError, color: "var(--accent)" },
        ]
      : [],
  );
}

function finding(tasks: Tasks): string {
  const { value, standardError, original, originalStandardError, lost, gained, p } = tasks.mean;
  const own = `The mean accuracy over ${countOf(tasks.tasks.length, "task")} is ${shareWithError(value, standardError)}`;
  if (!known(original)) return `${own}.`;
  const flips =
    known(lost) && known(gained) && known(p)
      ? `; ${whole(lost)} right answers were lost and ${whole(gained)} gained (p = ${significant(p, 2)})`
      : "";
  return `${own}, the original’s ${shareWithError(original, originalStandardError)}${flips}.`;
}

/** null when no questions were answered. */
export function tasksSection(run: Run): Section | null {
  const tasks = run.tasks;
  if (!tasks) return null;
  const rows: Row[] = tasks.tasks.flatMap((task) =>
    task.metrics.map((numbers) => ({ task: task.name, items: whole(task.items), metric: numbers.name, numbers })),
  );
  rows.push({ task: "mean", items: "", metric: "", numbers: tasks.mean });
  const chart = intervalChart({
    description: "Share of right answers by task",
    intervals: intervals(tasks),
    label: (value) => trimmedPercent(value),
    axis: "right answers",
    nameWidth: 112,
  });
  return section(
    "tasks",
    "Questions of multiple choice",
    finding(tasks),
    figure("", chart, "Blue: this run. Grey: the original. The lines are ± one standard error over questions."),
    table("Share of right answers ± one standard error", columns, rows),
    paragraph(
      "soft",
      "Lost: questions that only the original answers rightly; gained: only this run. p is McNemar’s exact test, " +
        "two-sided: how often chance alone would change the answers so unevenly. The mean is over tasks, of acc_norm " +
        "where there is one, else of acc.",
    ),
    tasks.against === null
      ? paragraph("soft", "Not compared with an original; evaluate --tasks with --against does.")
      : null,
  );
}
