// What the program writes into a page: src/report/*_json.cpp has the same members. null: not known.
export type Known = number | null;

export interface MethodWord {
  word: string;
  meaning: string;
}

export interface Method {
  text: string;
  parts: string; // "4-bit weights and activations"
  roundsToNearest: boolean;
  words: MethodWord[];
}

export interface Counts {
  values: number;
  clipped: number;
  notFinite: number;
}

/** Sums of squares over a linear's rows, in the norm of the damped moments. */
export interface Certificate {
  error: Known;
  lowerBound: Known;
  sphere: Known;
  rateBound: Known;
  headroom: Known; // decibels
  profileRatio: Known;
  profile: Known[];
}

export type Exponents = [exponent: number, count: number][];

/** What rotations did to the scales of the blocks, chosen as rounding to nearest does. */
export interface RotationEffect {
  before: Exponents;
  after: Exponents;
  energyBefore: Known;
}

export interface Linear {
  layer: number;
  linear: string;
  outputs: number;
  inputs: number;
  clipped: number;
  error: Known;
  energy: Known;
  nearestError: Known;
  weightEnergy: Known;
  scales: Exponents;
  rotation: RotationEffect | null;
  damping: Known;
  escalations: number;
  certificate: Certificate | null;
}

export interface TokenPlace {
  window: number;
  position: number;
  kl: Known;
  loss: Known;
  originalLoss: Known;
  before: string;
  token: string;
  likeliest: string;
  originalLikeliest: string;
}

export interface LossChanges {
  worse: Known;
  quantiles: [share: string, change: Known][];
}

/** Losses are in nats per token. */
export interface Evaluation {
  text: string[];
  window: number;
  perplexity: Known;
  meanLoss: Known;
  windowLoss: Known[];
  against: string | null;
  originalPerplexity: Known;
  originalMeanLoss: Known;
  kl: Known;
  agreement: Known;
  windowKl: Known[];
  activations: Counts | null;
  changes: LossChanges | null;
  places: TokenPlace[];
}

export interface Metric {
  value: Known;
  standardError: Known;
  original: Known;
  originalStandardError: Known;
  lost: Known;
  gained: Known;
  p: Known;
}

export interface Task {
  name: string;
  items: number;
  metrics: (Metric & { name: string })[];
}

export interface Tasks {
  against: string | null;
  tasks: Task[];
  mean: Metric;
}

export interface LearningRow {
  learns: string;
  step: number;
  layer: number;
  loss: Known;
  heldOut: Known;
  before: Known;
  after: Known;
}

export interface Model {
  name: string;
  family: string;
  layers: number;
  hidden: number;
  intermediate: number;
  vocabulary: number;
  tied: boolean;
}

export interface Calibration {
  files: string[];
  windows: number;
  window: number;
  droppedBytes: number;
}

/** As `latticelens report --json` prints it. */
export interface Summary {
  relative_error: Known;
  median_relative_error: Known;
  median_of_nearest: Known;
  clipped_share: Known;
  not_finite_activations: number;
}

export interface Run {
  folder: string;
  finished: boolean;
  preset: string;
  method: Method;
  seed: string;
  dtype: string;
  calibrationDtype: string;
  program: string;
  libtorch: string;
  model: Model | null;
  calibration: Calibration | null;
  times: [activity: string, seconds: Known][];
  seconds: Known;
  peakMemory: Known;
  modelBytes: Known;
  bitsPerWeight: Known;
  threads: number;
  resumedBlocks: number;
  calibrationActivations: Counts | null;
  ofOutputs: boolean; // else the linears' errors and energies are of the weights
  summary: Summary;
  linears: Linear[];
  evaluations: Evaluation[];
  mainEvaluation: number | null;
  tasks: Tasks | null;
  learning: LearningRow[];
  commands: { quantize: string; evaluate: string };
}

export interface ComparedRun {
  name: string;
  preset: string;
  method: Method;
  model: string | null;
  baseline: string;
  obstacle: string;
  failed: boolean;
  calibratedOn: number;
  bitsPerWeight: Known;
  seconds: Known;
  peakMemory: Known;
  modelBytes: Known;
  evaluation: Evaluation | null;
  tasks: Tasks | null;
  layers: Known[]; // relative error of all linears of each layer
  ofOutputs: boolean;
  page: string | null;
}

export interface Comparison {
  runs: ComparedRun[];
}

export interface CurvesPicture {
  kind: "curves";
  title: string;
  x: string;
  y: string;
  xLogarithmic: boolean;
  yLogarithmic: boolean;
  curves: { name: string; points: [Known, Known][] }[];
  caption: string;
}

export interface ExponentsPicture {
  kind: "exponents";
  title: string;
  rows: { name: string; counts: Exponents }[];
  caption: string;
}

export interface TablePicture {
  kind: "table";
  title: string;
  columns: string[];
  rows: (string | Known)[][];
  caption: string;
}

export interface AnalysisEntry {
  name: string;
  title: string;
  source: string;
  claim: string;
  verdict: string;
  sentence: string;
  pictures: (CurvesPicture | ExponentsPicture | TablePicture)[];
}

export interface Analysis {
  model: string;
  format: string;
  of: string;
  gains: string;
  text: string[];
  windows: number;
  window: number;
  rows: number;
  layers: number;
  samples: number;
  outlierShare: Known;
  seconds: Known;
  peakMemory: Known;
  analyses: AnalysisEntry[];
}

/** Counts of latents by log10 of how often they fire: below `start`, and in steps from there on. */
export interface LatentDensity {
  start: number;
  step: number;
  counts: number[];
}

export interface CoderMetrics {
  fvuDataset: Known;
  fvuBatch: Known;
  l0: Known;
  dead: Known;
  density: LatentDensity | null;
}

/** What sae evaluate measured on a text of its own. */
export interface CoderEvaluation {
  metrics: CoderMetrics;
  ceOriginal: Known;
  ceSubstituted: Known;
  ceZero: Known;
  lossRecovered: Known;
  lossRecoveredKl: Known;
  pcaFvu: Known;
  randomFvu: Known;
  effectiveRank: Known;
}

export interface Coder {
  site: string;
  kind: string;
  folder: string;
  latents: number;
  k: number;
  seed: number;
  learningRate: Known;
  searchChecked: number;
  searchMissed: number;
  validation: CoderMetrics;
  chosen: boolean;
  why: string;
  evaluation: CoderEvaluation | null;
  training: [step: number, loss: Known, fvu: Known][];
}

export interface Checkpoint {
  name: string;
  step: Known;
  tokens: Known;
  heldOutLoss: [language: string, loss: Known][];
  seconds: Known;
  modelSeconds: Known;
  coderSeconds: Known;
  activations: Known;
  peakMemory: Known;
  coders: Coder[];
}

/** Sparse autoencoders of the checkpoints of one training. */
export interface Saes {
  folder: string;
  program: string;
  sampling: string;
  finished: boolean;
  evaluated: boolean;
  text: string[];
  evaluationText: string[];
  planned: number;
  documents: number;
  activationsInText: number;
  validationActivations: number;
  steps: number;
  batch: number;
  command: string;
  checkpoints: Checkpoint[];
}

export type PageData =
  | { kind: "run"; run: Run }
  | { kind: "comparison"; comparison: Comparison }
  | { kind: "analysis"; analysis: Analysis }
  | { kind: "sae"; sae: Saes };
