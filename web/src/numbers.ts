// Numbers as people read them: few digits, thousands separators, no exponents like 1e-05. What is
// not known is a dash.
import type { Known } from "./data";

const dash = "–";

export function known(value: Known | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Commas between groups of three, a true minus sign, and no minus before a rounded zero. */
function polished(text: string): string {
  const negative = text.startsWith("-") && /[1-9]/.test(text);
  const [whole = "", decimals] = text.replace("-", "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (negative ? "−" : "") + grouped + (decimals === undefined ? "" : `.${decimals}`);
}

function superscript(exponent: number): string {
  return String(exponent)
    .split("")
    .map((digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]))
    .join("");
}

export function powerOfTwo(exponent: number): string {
  return `2${superscript(exponent)}`;
}

export function powerOfTen(exponent: number): string {
  return `10${superscript(exponent)}`;
}

/** `digits` significant digits: "1,234", "0.0123", "3.1 × 10⁻⁹". */
export function significant(value: Known | undefined, digits = 3): string {
  if (!known(value)) return dash;
  if (value === 0) return "0";
  const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent >= 12 || exponent < -4) return `${polished(mantissa)} × ${powerOfTen(exponent)}`;
  return polished(value.toFixed(Math.max(0, digits - 1 - exponent)));
}

/** As `significant`, without zeros at the end of the decimals: for axes. */
export function trimmed(value: Known | undefined, digits = 3): string {
  const text = significant(value, digits);
  return text.includes(".") && !text.includes("×") ? text.replace(/\.?0+$/, "") : text;
}

export function fixed(value: Known | undefined, decimals: number): string {
  if (!known(value)) return dash;
  return Math.abs(value) >= 1e12 ? significant(value, 4) : polished(value.toFixed(decimals));
}

export function whole(value: Known | undefined): string {
  return known(value) ? polished(String(Math.round(value))) : dash;
}

/** A share as "2.57 %", with a space that does not break. */
export function percent(share: Known | undefined, digits = 3): string {
  return known(share) ? `${significant(100 * share, digits)}\u00a0%` : dash;
}

export function trimmedPercent(share: Known | undefined, digits = 3): string {
  return known(share) ? `${trimmed(100 * share, digits)}\u00a0%` : dash;
}

export function sizeText(bytes: Known | undefined): string {
  if (!known(bytes)) return dash;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

export function timeText(seconds: Known | undefined): string {
  if (!known(seconds)) return dash;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${whole(minutes)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
}

/** "1 window", "4 windows". */
export function countOf(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** "65.0 ± 4.8 %". */
export function shareWithError(value: Known, error: Known): string {
  if (!known(value)) return dash;
  const deviation = known(error) ? ` ± ${fixed(100 * error, 1)}` : "";
  return `${fixed(100 * value, 1)}${deviation}\u00a0%`;
}
