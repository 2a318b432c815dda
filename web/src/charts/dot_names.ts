// Names beside the dots of a chart, moved a little until none lies on another name or dot. A name that finds no room is
// left out, for a heap of names tells less than none.
export interface NamedDot {
  name: string;
  x: number; // pixels
  y: number;
  important: boolean; // comes first
}

interface Box {
  left: number;
  right: number;
  y: number; // the middle
}

interface Placed extends Box {
  name: string;
  side: "left" | "right"; // of its dot
}

const lineHeight = 14;
const gap = 10; // between a dot and its name
const farthest = 21; // that a name stands above or below its dot

/** About: characters from Hangul and kana on are as wide as high. */
function widthOf(name: string): number {
  return [...name].reduce((width, character) => width + (character >= "\u1100" ? 13 : 6.8), 6);
}

function boxOf(dot: NamedDot, side: "left" | "right", shift: number): Box {
  const width = widthOf(dot.name);
  const left = side === "right" ? dot.x + gap : dot.x - gap - width;
  return { left, right: left + width, y: dot.y + shift };
}

function overlaps(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && Math.abs(one.y - other.y) < lineHeight;
}

function covers(box: Box, dot: NamedDot): boolean {
  return dot.x > box.left - 6 && dot.x < box.right && Math.abs(dot.y - box.y) < 9;
}

/** Nearest first: to the right of the dot, then to its left. */
function candidates(dot: NamedDot): Placed[] {
  const shifts = Array.from({ length: 2 * (farthest / 7) + 1 }, (_, step) =>
    step === 0 ? 0 : (step % 2 === 1 ? -7 : 7) * Math.ceil(step / 2),
  );
  return (["right", "left"] as const).flatMap((side) =>
    shifts.map((shift) => ({ ...boxOf(dot, side, shift), name: dot.name, side })),
  );
}

export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export function placeNames(dots: NamedDot[], area: Area): Placed[] {
  const placed: Placed[] = [];
  const inside = (box: Box): boolean =>
    box.left >= area.left && box.right <= area.right && box.y >= area.top && box.y <= area.bottom;
  const sorted = [...dots].sort((a, b) => Number(b.important) - Number(a.important) || a.y - b.y);
  for (const dot of sorted) {
    const found = candidates(dot).find(
      (box) =>
        inside(box) &&
        !placed.some((other) => overlaps(box, other)) &&
        !dots.some((other) => other !== dot && covers(box, other)),
    );
    if (found) placed.push(found);
  }
  return placed;
}

export function nameMark(name: Placed): SVGTextElement {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "text");
  mark.setAttribute("x", String(name.side === "right" ? name.left : name.right));
  mark.setAttribute("y", String(name.y + 4));
  mark.setAttribute("text-anchor", name.side === "right" ? "start" : "end");
  mark.setAttribute("class", "dot-name");
  mark.textContent = name.name;
  return mark;
}
