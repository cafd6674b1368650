// Painting a mask over a picture: with a pointer, or with arrow keys and the space bar.
//
// The mask has the picture's own size, white where it is to be painted anew. On the page it is a
// veil of colour over the picture, whose pixels are never read.

import { button, make } from "./dom.js";
import { announce } from "./announcer.js";

/** Shares of the picture's width. */
const BRUSH = { least: 0.03, usual: 0.12, most: 0.5 };
const STEP = 0.04;

export class Painter {
  readonly element = make("div", { class: "painter" });
  private readonly picture: HTMLImageElement;
  private readonly canvas = make("canvas", {
    tabindex: 0,
    role: "application",
    "aria-label":
      "Mask. Arrow keys move the brush, space paints, backspace rubs out, plus and minus change its size.",
  });
  private readonly cursor = make("span", { class: "brush", "aria-hidden": "true" });
  private readonly brush = make("input", {
    type: "range",
    id: "brush-size",
    min: BRUSH.least,
    max: BRUSH.most,
    step: 0.01,
    value: BRUSH.usual,
  });
  /** Of the brush, as shares of width and height. */
  private at = { x: 0.5, y: 0.5 };
  private painted = false;

  constructor(url: string) {
    this.picture = make("img", { src: url, alt: "The picture to be changed" });
    this.picture.addEventListener("load", () => {
      this.canvas.width = this.picture.naturalWidth;
      this.canvas.height = this.picture.naturalHeight;
      this.showCursor();
    });
    this.element.append(
      make("div", { class: "easel" }, this.picture, this.canvas, this.cursor),
      make(
        "div",
        { class: "row" },
        make("label", { for: "brush-size" }, "Brush"),
        this.brush,
        button("All", () => this.fill(true), { class: "quiet" }),
        button("Nothing", () => this.fill(false), { class: "quiet" }),
      ),
    );
    this.brush.addEventListener("input", () => this.showCursor());
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.follow(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) this.follow(event);
    });
    this.canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Whether anything is painted. */
  get isPainted(): boolean {
    return this.painted;
  }

  /** The mask as a PNG: white is painted anew, black is kept. */
  async mask(): Promise<Blob> {
    const { width, height } = this.canvas;
    const sheet = make("canvas", { width, height });
    const brush = contextOf(sheet);
    brush.drawImage(this.canvas, 0, 0);
    // Only what is painted turns white; then black comes behind it.
    brush.globalCompositeOperation = "source-in";
    brush.fillStyle = "white";
    brush.fillRect(0, 0, width, height);
    brush.globalCompositeOperation = "destination-over";
    brush.fillStyle = "black";
    brush.fillRect(0, 0, width, height);
    return new Promise((resolve, reject) => {
      sheet.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("No PNG was made."))));
    });
  }

  private follow({ offsetX, offsetY }: PointerEvent): void {
    const { clientWidth, clientHeight } = this.canvas;
    this.at = { x: offsetX / clientWidth, y: offsetY / clientHeight };
    this.showCursor();
    this.dab("source-over");
  }

  private onKey(event: KeyboardEvent): void {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const move = moves[event.key];
    if (move) {
      this.at = { x: within(this.at.x + move[0]), y: within(this.at.y + move[1]) };
      announce(`${Math.round(this.at.x * 100)} across, ${Math.round(this.at.y * 100)} down`);
    } else if (event.key === " ") {
      this.dab("source-over");
      announce("Painted");
    } else if (event.key === "Backspace") {
      this.dab("destination-out");
      announce("Rubbed out");
    } else if (event.key === "+") this.brush.stepUp(3);
    else if (event.key === "-") this.brush.stepDown(3);
    else return;
    event.preventDefault();
    this.showCursor();
  }

  private dab(how: GlobalCompositeOperation): void {
    const { width, height } = this.canvas;
    const brush = contextOf(this.canvas);
    brush.globalCompositeOperation = how;
    brush.fillStyle = "rgb(249 115 22)";
    brush.beginPath();
    brush.arc(this.at.x * width, this.at.y * height, (this.diameter * width) / 2, 0, 2 * Math.PI);
    brush.fill();
    if (how === "source-over") this.painted = true;
  }

  private fill(all: boolean): void {
    const { width, height } = this.canvas;
    const brush = contextOf(this.canvas);
    brush.globalCompositeOperation = "source-over";
    brush.fillStyle = "rgb(249 115 22)";
    if (all) brush.fillRect(0, 0, width, height);
    else brush.clearRect(0, 0, width, height);
    this.painted = all;
    announce(all ? "All is painted" : "Nothing is painted");
  }

  private get diameter(): number {
    return Number(this.brush.value);
  }

  private showCursor(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const size = this.diameter * clientWidth;
    this.cursor.style.width = this.cursor.style.height = `${size}px`;
    this.cursor.style.left = `${this.at.x * clientWidth - size / 2}px`;
    this.cursor.style.top = `${this.at.y * clientHeight - size / 2}px`;
  }
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser cannot paint on a canvas.");
  return context;
}

function within(share: number): number {
  return Math.min(1, Math.max(0, share));
}
