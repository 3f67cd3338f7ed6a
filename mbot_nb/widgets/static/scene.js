// The arena from above, in cm, with y up as in the world: everything that stands, lies and shines in it, and the robot.

const JUMP = 30; // cm between two poses that no robot drives from one to the next
const ROBOT = { length: 17.5, width: 13 };

/** The colours of the page as it is now. */
function palette(element) {
  const colour = colourOf(element);
  return {
    floor: colour("floor"),
    ink: colour("ink"),
    faint: colour("faint"),
    path: colour("accent"),
    ground: colour("ground"),
  };
}

const PIECES = { red: "#d93025", green: "#2e9e44", blue: "#1976d2", yellow: "#e0a800" };

function polyline(context, points, closed = false) {
  context.beginPath();
  points.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (closed) context.closePath();
  context.stroke();
}

/** A way that was driven: broken where the robot was put elsewhere, or nobody heard where it was. */
function wayOf(context, points) {
  let from = 0;
  for (let at = 1; at <= points.length; at += 1) {
    if (at < points.length && !jumped(points[at - 1], points[at])) continue;
    polyline(context, points.slice(from, at));
    from = at;
  }
}

/** Whether two places, heard of one after the other, are not joined by a way. */
function jumped(from, to) {
  return Math.hypot(to[0] - from[0], to[1] - from[1]) > JUMP;
}

/** Everything that stands, lies and shines, in cm. */
function drawArena(context, arena, colours) {
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
    polyline(context, [[wall.x1, wall.y1], [wall.x2, wall.y2]]);
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

function drawRobot(context, [x, y, heading], colours) {
  context.save();
  context.translate(x, y);
  context.rotate((heading * Math.PI) / 180);
  context.fillStyle = colours.ink;
  for (const side of [-1, 1]) context.fillRect(-3.2, side * (ROBOT.width / 2 - 1.2) - 1.4, 6.4, 2.8);
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

/** A canvas of the size it has on the page, ready to draw in cm; null while it has none. */
function inCentimetres(canvas, arena) {
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
  const scale = canvas.width / arena.width;
  context.setTransform(scale, 0, 0, -scale, 0, canvas.height);
  return context;
}

/** The pose a part of the way from one to another, turning the short way. */
function between(from, to, part) {
  const turn = ((to[2] - from[2] + 540) % 360) - 180;
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + turn * part];
}
