// The arena from above with all that is in it, and the robot.

import { colourOf } from "../live/dom.js";
import { jumped, PLAIN, ROBOT } from "./geometry.js";

/**
 * The colours of the page as it is now.
 *
 * @param {HTMLElement} element
 */
export function palette(element) {
  const colour = colourOf(element);
  return {
    floor: colour("floor"),
    ink: colour("ink"),
    faint: colour("faint"),
    path: colour("accent"),
    ground: colour("ground"),
  };
}

/** @type {Record<string, string>} */
const PIECES = { red: "#d93025", green: "#2e9e44", blue: "#1976d2", yellow: "#e0a800" };

const EYES = [
  [8, 2.25],
  [4, 0.75],
  [2, -0.75],
  [1, -2.25],
]; // bits of the line sensor, cm to the left

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} points
 * @param {boolean} [closed]
 */
export function polyline(context, points, closed = false) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  if (closed) context.closePath();
  context.stroke();
}

/**
 * A way that was driven: broken where the robot was put elsewhere, or nobody heard where it
 * was.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number[][]} points
 */
export function drawPath(context, points) {
  let from = 0;
  for (let at = 1; at <= points.length; at += 1) {
    if (at < points.length && !jumped(points[at - 1], points[at])) continue;
    polyline(context, points.slice(from, at));
    from = at;
  }
}

/**
 * The arena with all that is in it, in cm.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Arena} arena
 * @param {Palette} colours
 */
export function drawArena(context, arena, colours) {
  context.fillStyle = colours.floor;
  context.fillRect(0, 0, arena.width, arena.height);
  for (const lamp of arena.lights ?? []) {
    const glow = context.createRadialGradient(lamp.x, lamp.y, 0, lamp.x, lamp.y, 24);
    glow.addColorStop(0, `rgba(255, 205, 70, ${0.15 + lamp.brightness / 140})`);
    glow.addColorStop(1, "rgba(255, 205, 70, 0)");
    context.fillStyle = glow;
    context.fillRect(lamp.x - 24, lamp.y - 24, 48, 48);
  }
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = colours.ink;
  context.globalAlpha = 0.45;
  for (const line of arena.lines ?? []) {
    context.lineWidth = line.width;
    polyline(context, line.points, line.closed);
  }
  context.globalAlpha = 1;
  context.strokeStyle = colours.faint;
  for (const wall of arena.walls ?? []) {
    context.lineWidth = wall.thickness;
    polyline(context, [
      [wall.x1, wall.y1],
      [wall.x2, wall.y2],
    ]);
  }
  for (const box of arena.boxes ?? []) {
    context.save();
    context.translate(box.x, box.y);
    context.rotate((box.angle * Math.PI) / 180);
    context.fillStyle = "#b8925f";
    context.lineWidth = 0.8;
    context.fillRect(-box.width / 2, -box.height / 2, box.width, box.height);
    context.strokeRect(-box.width / 2, -box.height / 2, box.width, box.height);
    context.restore();
  }
  for (const piece of arena.pieces ?? []) {
    context.fillStyle = PIECES[piece.color] ?? colours.ink;
    context.beginPath();
    context.arc(piece.x, piece.y, 2, 0, 2 * Math.PI);
    context.fill();
  }
  context.lineWidth = 2;
  context.strokeRect(1, 1, arena.width - 2, arena.height - 2);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pose} pose
 * @param {Palette} colours
 */
export function drawRobot(context, [x, y, heading], colours) {
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  context.fillStyle = colours.ink;
  for (const side of [-1, 1])
    context.fillRect(-3.2, side * (ROBOT.width / 2 - 1.2) - 1.4, 6.4, 2.8);
  context.fillStyle = colours.path;
  context.strokeStyle = colours.ground;
  context.lineWidth = 0.8;
  context.beginPath();
  context.roundRect(-ROBOT.length / 2, -ROBOT.width / 2 + 1.6, ROBOT.length, ROBOT.width - 3.2, 3);
  context.fill();
  context.stroke();
  context.fillStyle = colours.ground;
  context.beginPath();
  context.moveTo(6.8, 0);
  context.lineTo(1.4, 3.2);
  context.lineTo(1.4, -3.2);
  context.closePath();
  context.fill();
  context.restore();
}

/**
 * A canvas of the size it has on the page, ready to draw in cm; null while it has none.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, height: number }} arena
 */
export function inCentimetres(canvas, arena) {
  const width = canvas.clientWidth;
  if (canvas.hidden || !width) return null;
  const ratio = devicePixelRatio || 1;
  const height = (width * arena.height) / arena.width;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.aspectRatio = `${arena.width} / ${arena.height}`;
  }
  const context = canvas.getContext("2d");
  if (!context) return null;
  const scale = canvas.width / arena.width;
  context.setTransform(scale, 0, 0, -scale, 0, canvas.height);
  return context;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Floor} floor
 * @param {Palette} colours
 */
export function drawPlainFloor(context, floor, colours) {
  context.fillStyle = colours.floor;
  context.fillRect(floor.left, floor.bottom, floor.width, floor.height);
  context.strokeStyle = colours.faint;
  context.globalAlpha = 0.25;
  context.lineWidth = 0.5;
  for (let x = floor.left; x <= floor.left + floor.width; x += PLAIN) {
    polyline(context, [
      [x, floor.bottom],
      [x, floor.bottom + floor.height],
    ]);
  }
  for (let y = floor.bottom; y <= floor.bottom + floor.height; y += PLAIN) {
    polyline(context, [
      [floor.left, y],
      [floor.left + floor.width, y],
    ]);
  }
  context.globalAlpha = 1;
}

/**
 * How far the ultrasonic sensor sees, as a cone of 20 degrees.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Pose} pose
 * @param {number} distance
 * @param {Palette} colours
 */
export function drawCone(context, [x, y, heading], distance, colours) {
  if (!Number.isFinite(distance)) return;
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  context.translate(ROBOT.length / 2, 0);
  context.fillStyle = context.strokeStyle = colours.path;
  context.globalAlpha = distance >= 300 ? 0.06 : 0.16;
  context.beginPath();
  context.moveTo(0, 0);
  context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
  context.closePath();
  context.fill();
  if (distance < 300) {
    context.globalAlpha = 0.9;
    context.lineWidth = 1.2;
    context.beginPath();
    context.arc(0, 0, distance, -Math.PI / 18, Math.PI / 18);
    context.stroke();
  }
  context.restore();
}

/**
 * Lights and line sensor on the robot.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Pose} pose
 * @param {number[][] | undefined} leds
 * @param {number} line
 * @param {Palette} colours
 */
export function drawParts(context, [x, y, heading], leds, line, colours) {
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  if (leds?.length) {
    context.fillStyle = "#101418";
    context.beginPath();
    context.roundRect(-5.9, -4.8, 2.6, 9.6, 1);
    context.fill();
  }
  (leds ?? []).forEach((led, at) => {
    const lit = led.some((part) => part > 0);
    context.fillStyle = lit ? `rgb(${led.join(" ")})` : colours.ground;
    context.globalAlpha = lit ? 1 : 0.35;
    context.beginPath();
    context.arc(-4.6, 3.6 - at * 1.8, 0.85, 0, 2 * Math.PI);
    context.fill();
    if (lit) {
      context.globalAlpha = 0.25;
      context.beginPath();
      context.arc(-4.6, 3.6 - at * 1.8, 2.2, 0, 2 * Math.PI);
      context.fill();
    }
  });
  context.globalAlpha = 1;
  if (Number.isFinite(line)) {
    for (const [bit, side] of EYES) {
      context.fillStyle = line & bit ? "#111111" : "#ffffff";
      context.strokeStyle = colours.ground;
      context.lineWidth = 0.3;
      context.beginPath();
      context.arc(7.5, side, 0.65, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }
  context.restore();
}
