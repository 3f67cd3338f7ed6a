// The arena from above with all that is in it, and the robot.

import { colorOf } from "../live/dom.js";
import { isJump, PLAIN_GRID, ROBOT } from "./geometry.js";

/** @type {Record<string, string>} */
const PIECES = { red: "#d93025", green: "#2e9e44", blue: "#1976d2", yellow: "#e0a800" };

const LINE_SENSORS = [
  [8, 2.25],
  [4, 0.75],
  [2, -0.75],
  [1, -2.25],
]; // bits of the line sensor, cm to the left

/**
 * A canvas of the size it has on the page, ready to draw a floor on; null while it has none.
 * @param {HTMLCanvasElement} canvas
 * @param {{ left?: number, bottom?: number, width: number, height: number }} floor
 * @param {HTMLElement} root has the colours
 */
export function drawingOn(canvas, { left = 0, bottom = 0, width, height }, root) {
  const ratio = devicePixelRatio || 1;
  const across = Math.round(canvas.clientWidth * ratio);
  const down = Math.round(((canvas.clientWidth * height) / width) * ratio);
  if (canvas.hidden || !across) return null;
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
    canvas.style.aspectRatio = `${width} / ${height}`;
  }
  const context = canvas.getContext("2d");
  if (!context) return null;
  const scale = across / width;
  context.setTransform(scale, 0, 0, -scale, 0, down);
  context.translate(-left, -bottom);
  return new Drawing(context, root);
}

/** What is drawn on a floor, in cm and in the colours of the page as it is now. */
class Drawing {
  /** @param {CanvasRenderingContext2D} context @param {HTMLElement} root */
  constructor(context, root) {
    this.context = context;
    this.color = colorOf(root);
    context.lineJoin = context.lineCap = "round";
  }

  /**
   * @param {number[][]} points
   * @param {string} color
   * @param {number} width
   * @param {boolean} [closed]
   */
  line(points, color, width, closed = false) {
    const { context } = this;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    if (closed) context.closePath();
    context.stroke();
  }

  /** @param {number} x @param {number} y @param {number} radius */
  disc(x, y, radius) {
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.fill();
  }

  /**
   * Draw with the origin at a place, and x ahead of it.
   * @param {number[]} pose
   * @param {(context: CanvasRenderingContext2D) => void} draw
   */
  at([x, y, heading], draw) {
    this.context.save();
    this.context.translate(x, y);
    this.context.rotate((heading * Math.PI) / 180);
    draw(this.context);
    this.context.restore();
  }

  /** @param {Arena} arena */
  arena(arena) {
    const { context } = this;
    context.fillStyle = this.color("floor");
    context.fillRect(0, 0, arena.width, arena.height);
    for (const { x, y, brightness } of arena.lights ?? []) {
      const glow = context.createRadialGradient(x, y, 0, x, y, 24);
      glow.addColorStop(0, `rgba(255, 205, 70, ${0.15 + brightness / 140})`);
      glow.addColorStop(1, "rgba(255, 205, 70, 0)");
      context.fillStyle = glow;
      context.fillRect(x - 24, y - 24, 48, 48);
    }
    context.globalAlpha = 0.45;
    for (const { points, width, closed } of arena.lines ?? [])
      this.line(points, this.color("ink"), width, closed);
    context.globalAlpha = 1;
    const faint = this.color("faint");
    for (const { x1, y1, x2, y2, thickness } of arena.walls ?? []) {
      const ends = [
        [x1, y1],
        [x2, y2],
      ];
      this.line(ends, faint, thickness);
    }
    context.strokeStyle = faint;
    context.fillStyle = "#b8925f";
    context.lineWidth = 0.8;
    for (const { x, y, width, height, angle } of arena.boxes ?? []) {
      this.at([x, y, angle], () => {
        context.fillRect(-width / 2, -height / 2, width, height);
        context.strokeRect(-width / 2, -height / 2, width, height);
      });
    }
    for (const { x, y, color } of arena.pieces ?? []) {
      context.fillStyle = PIECES[color] ?? this.color("ink");
      this.disc(x, y, 2);
    }
    context.lineWidth = 2;
    context.strokeRect(1, 1, arena.width - 2, arena.height - 2);
  }

  /**
   * The floor of a robot that tells of no arena, with a line every so many cm.
   * @param {Floor} floor
   */
  plainFloor({ left, bottom, width, height }) {
    const { context } = this;
    context.fillStyle = this.color("floor");
    context.fillRect(left, bottom, width, height);
    context.strokeStyle = this.color("faint");
    context.globalAlpha = 0.25;
    context.lineWidth = 0.5;
    context.beginPath();
    for (let x = left; x <= left + width; x += PLAIN_GRID) {
      context.moveTo(x, bottom);
      context.lineTo(x, bottom + height);
    }
    for (let y = bottom; y <= bottom + height; y += PLAIN_GRID) {
      context.moveTo(left, y);
      context.lineTo(left + width, y);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /**
   * A path that was driven: broken where the robot was put elsewhere, or nobody heard where it
   * was.
   * @param {number[][]} points
   */
  path(points) {
    let from = 0;
    for (let at = 1; at <= points.length; at += 1) {
      if (at < points.length && !isJump(points[at - 1], points[at])) continue;
      this.line(points.slice(from, at), this.color("accent"), 1.2);
      from = at;
    }
  }

  /** @param {Pose} pose */
  robot(pose) {
    const { length, width } = ROBOT;
    this.at(pose, (context) => {
      context.fillStyle = this.color("ink");
      for (const side of [-1, 1]) context.fillRect(-3.2, side * (width / 2 - 1.2) - 1.4, 6.4, 2.8);
      context.fillStyle = this.color("accent");
      context.strokeStyle = this.color("ground");
      context.lineWidth = 0.8;
      context.beginPath();
      context.roundRect(-length / 2, -width / 2 + 1.6, length, width - 3.2, 3);
      context.fill();
      context.stroke();
      context.fillStyle = this.color("ground");
      context.beginPath();
      context.moveTo(6.8, 0);
      context.lineTo(1.4, 3.2);
      context.lineTo(1.4, -3.2);
      context.fill();
    });
  }

  /**
   * How far the ultrasonic sensor sees, as a cone of 20 degrees.
   * @param {Pose} pose
   * @param {number} distance
   */
  cone(pose, distance) {
    if (!Number.isFinite(distance)) return;
    this.at(pose, (context) => {
      context.translate(ROBOT.length / 2, 0);
      context.fillStyle = context.strokeStyle = this.color("accent");
      context.globalAlpha = distance >= 300 ? 0.06 : 0.16;
      context.beginPath();
      context.moveTo(0, 0);
      context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
      context.fill();
      if (distance >= 300) return;
      context.globalAlpha = 0.9;
      context.lineWidth = 1.2;
      context.beginPath();
      context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
      context.stroke();
    });
  }

  /**
   * Lights and line sensor on the robot.
   * @param {Pose} pose
   * @param {number[][]} leds
   * @param {number} line
   */
  parts(pose, leds, line) {
    this.at(pose, (context) => {
      if (leds.length) {
        context.fillStyle = "#101418";
        context.beginPath();
        context.roundRect(-5.9, -4.8, 2.6, 9.6, 1);
        context.fill();
      }
      leds.forEach((led, at) => {
        const lit = led.some((part) => part > 0);
        context.fillStyle = lit ? `rgb(${led.join(" ")})` : this.color("ground");
        context.globalAlpha = lit ? 1 : 0.35;
        this.disc(-4.6, 3.6 - at * 1.8, 0.85);
        context.globalAlpha = 0.25;
        if (lit) this.disc(-4.6, 3.6 - at * 1.8, 2.2);
      });
      context.globalAlpha = 1;
      if (!Number.isFinite(line)) return;
      context.strokeStyle = this.color("ground");
      context.lineWidth = 0.3;
      for (const [bit, side] of LINE_SENSORS) {
        context.fillStyle = line & bit ? "#111111" : "#ffffff";
        this.disc(7.5, side, 0.65);
        context.stroke();
      }
    });
  }

  /**
   * A frame around a box that is chosen.
   * @param {ArenaBox} box
   */
  chosen({ x, y, width, height, angle }) {
    this.at([x, y, angle], (context) => {
      context.strokeStyle = this.color("accent");
      context.lineWidth = 1.6;
      context.strokeRect(-width / 2 - 2, -height / 2 - 2, width + 4, height + 4);
    });
  }

  /**
   * Where keys draw.
   * @param {Point} place
   */
  cross([x, y]) {
    for (const [dx, dy] of [
      [5, 0],
      [0, 5],
    ]) {
      const ends = [
        [x - dx, y - dy],
        [x + dx, y + dy],
      ];
      this.line(ends, this.color("accent"), 0.8);
    }
  }
}
