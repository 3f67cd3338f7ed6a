// The live card's page side: a plain module, no bundler, no network. Messages in, a picture and words out; messages back say
// whether somebody looks, and "stop".

const FRAME = 50; // ms: at most 20 pictures a second
const GLIDE = 110; // ms: poses come ten times a second, and the picture glides from one to the next
const HERE = 30_000; // ms between two signs that this view is still on the screen
const PATIENCE = 2_500; // ms until a stop without an answer says so
const STEP = 0.5; // cm between two points of the path
const MOST_POINTS = 1500;
const ROBOT = { length: 17.5, width: 13 };
const SILENT =
  "The kernel does not answer: it is busy with a cell, or it was restarted. After a restart, run the cell again.";

function make(tag, parent, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

function row(list, name) {
  make("dt", list, { textContent: name });
  return make("dd", list, { textContent: "–" });
}

/** The elements of one view. */
function build(el) {
  const card = make("div", el, { className: "mbot-card" });
  card.setAttribute("role", "group");
  // JupyterLab leaves the keys in here to the card: Enter and Space press its button.
  card.setAttribute("data-lm-suppress-shortcuts", "true");
  const canvas = make("canvas", card);
  canvas.setAttribute("role", "img");
  const side = make("div", card, { className: "mbot-card-side" });
  const head = make("div", side, { className: "mbot-card-head" });
  make("span", head, { className: "mbot-card-light" }).setAttribute("aria-hidden", "true");
  const connection = make("span", head);
  const robot = make("div", side, { className: "mbot-card-robot" });
  const note = make("div", side, { className: "mbot-card-note" });
  const list = make("dl", side);
  const mode = row(list, "mode");
  const tension = row(list, "tension");
  const position = row(list, "position");
  const heading = row(list, "heading");
  const latency = row(list, "latency");
  const stop = make("button", side, { type: "button", textContent: "Stop" });
  stop.setAttribute("aria-label", "Stop the robot");
  const said = make("div", side, { className: "mbot-card-said" });
  said.setAttribute("role", "status");
  for (const [name, element] of Object.entries({ connection, mode, tension, position, heading, latency, said })) {
    element.dataset.field = name;
  }
  return { card, canvas, connection, robot, note, mode, tension, position, heading, latency, stop, said };
}

/** What the connection's note says, `since` ms after it came. */
function noteWords(note, since) {
  if (!note || typeof note === "string") return note || "";
  if (note.wait === null) return `attempt ${note.attempt} is under way`;
  return `attempt ${note.attempt} in ${Math.max(0, Math.ceil(note.wait - since / 1000))} s`;
}

/** Write the words of the values that are given. */
function write(view, values) {
  if ("connection" in values) {
    view.card.dataset.connection = values.connection;
    view.connection.textContent = values.connection;
  }
  if ("robot" in values) {
    view.robot.textContent = values.robot;
    view.card.setAttribute("aria-label", `Robot ${values.robot}`);
  }
  if ("mode" in values || "latched" in values) view.mode.textContent = values.mode ?? "–";
  if ("tension" in values) {
    view.tension.replaceChildren();
    if (values.tension === null) {
      view.tension.textContent = "–";
    } else {
      const bar = make("span", view.tension, { className: "mbot-card-tension" });
      bar.setAttribute("aria-hidden", "true");
      bar.style.setProperty("--tension", `${values.tension * 100}%`);
      view.tension.append(values.tension.toFixed(2));
    }
  }
  if ("pose" in values) {
    const pose = values.pose;
    view.position.textContent = pose ? `x ${pose[0].toFixed(1)} cm, y ${pose[1].toFixed(1)} cm` : "unknown";
    view.heading.textContent = pose ? `${Math.round(pose[2]) % 360}°` : "–";
    view.canvas.setAttribute(
      "aria-label",
      pose
        ? `The arena from above: the robot is at x ${Math.round(pose[0])}, y ${Math.round(pose[1])} cm and heads to ${Math.round(pose[2])} degrees`
        : "The robot does not know where it is",
    );
  }
  if ("latency" in values) view.latency.textContent = values.latency === null ? "–" : `${values.latency.toFixed(2)} ms`;
}

/** The colours of the page as it is now. */
function palette(card) {
  const style = getComputedStyle(card);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    floor: colour("--mbot-floor"),
    ink: colour("--mbot-ink"),
    faint: colour("--mbot-faint"),
    path: colour("--mbot-accent"),
    ground: colour("--mbot-ground"),
  };
}

const PIECES = { red: "#d93025", green: "#2e9e44", blue: "#1976d2", yellow: "#e0a800" };

function polyline(context, points, closed = false) {
  context.beginPath();
  points.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
  if (closed) context.closePath();
  context.stroke();
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

/** The picture: keeps what is known, and draws it when something has changed. */
class Picture {
  constructor(canvas, card) {
    this.canvas = canvas;
    this.card = card;
    this.arena = null;
    this.path = [];
    this.from = this.to = null;
    this.since = 0;
    this.drawn = 0;
    this.timer = null;
    this.frame = null;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  take(values) {
    if ("arena" in values) this.arena = values.arena;
    if ("path" in values) this.path = values.path.slice();
    if ("pose" in values) {
      const pose = values.pose;
      this.from = "path" in values || this.still.matches ? pose : (this.pose() ?? pose);
      this.to = pose;
      this.since = performance.now();
      if (pose) this.extend(pose[0], pose[1]);
    }
    this.canvas.hidden = !(this.arena && this.to);
    this.ask();
  }

  extend(x, y) {
    const last = this.path.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < STEP) return;
    this.path.push([x, y]);
    if (this.path.length > MOST_POINTS) this.path.shift();
  }

  /** Where the robot is drawn now, on its way from the pose before to the last one. */
  pose() {
    if (!this.from || !this.to) return this.to;
    const part = Math.min(1, (performance.now() - this.since) / GLIDE);
    const turn = ((this.to[2] - this.from[2] + 540) % 360) - 180;
    return [
      this.from[0] + (this.to[0] - this.from[0]) * part,
      this.from[1] + (this.to[1] - this.from[1]) * part,
      this.from[2] + turn * part,
    ];
  }

  ask() {
    if (this.timer !== null || this.frame !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.frame = requestAnimationFrame(() => {
        this.frame = null;
        this.draw();
      });
    }, Math.max(0, this.drawn + FRAME - performance.now()));
  }

  draw() {
    this.drawn = performance.now();
    const { canvas, arena } = this;
    const width = canvas.clientWidth;
    if (canvas.hidden || !arena || !width) return;
    const ratio = devicePixelRatio || 1;
    const height = (width * arena.height) / arena.width;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.aspectRatio = `${arena.width} / ${arena.height}`;
    }
    const context = canvas.getContext("2d");
    const scale = canvas.width / arena.width;
    const colours = palette(this.card);
    // cm, with y up as in the world.
    context.setTransform(scale, 0, 0, -scale, 0, canvas.height);
    drawArena(context, arena, colours);
    const pose = this.pose();
    const gliding = performance.now() - this.since < GLIDE;
    context.strokeStyle = colours.path;
    context.lineWidth = 1.2;
    // While it glides, the path ends under the robot and not ahead of it.
    polyline(context, gliding ? [...this.path.slice(0, -1), pose] : [...this.path, pose]);
    drawRobot(context, pose, colours);
    if (gliding) this.ask();
  }

  end() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }
}

function render({ model, el }) {
  const id = Math.random().toString(36).slice(2);
  const view = build(el);
  const picture = new Picture(view.canvas, view.card);
  let onScreen = false;
  let shown = false;
  let ended = false;
  let quiet = false;
  let connection = "";
  let answerTimer = null;
  let note = "";
  let noteCame = 0;

  const say = (text, error = false) => {
    view.said.textContent = text;
    view.said.dataset.error = String(error);
  };

  // What is shown as the connection is not known to be true any more.
  const silent = () => {
    say(SILENT, true);
    quiet = true;
    write(view, { connection: "no answer" });
  };

  const send = (content) => {
    try {
      model.send({ view: id, ...content });
    } catch (error) {
      silent();
    }
  };

  const take = (values) => {
    write(view, values);
    if ("connection" in values) connection = values.connection;
    if ("note" in values) {
      note = values.note;
      noteCame = performance.now();
      view.note.textContent = noteWords(note, 0);
    }
    if ("latched" in values) view.card.dataset.latched = String(values.latched);
    if ("said" in values && values.said.text) say(values.said.text, values.said.error);
    if (values.ended) {
      ended = true;
      view.stop.disabled = true;
    }
    picture.take(values);
  };

  const onMessage = (content) => {
    clearTimeout(answerTimer);
    if (quiet) {
      quiet = false;
      say("");
      write(view, { connection });
    }
    if (content.kind === "said") say(content.text, content.error);
    else if (content.kind === "all" || content.kind === "changed") take(content);
  };

  const expectAnswer = () => {
    clearTimeout(answerTimer);
    answerTimer = setTimeout(silent, PATIENCE);
  };

  // Only a view that somebody can see costs anything.
  const lookAround = () => {
    const now = onScreen && !document.hidden;
    if (now === shown) return;
    shown = now;
    send({ kind: now ? "show" : "hide" });
  };

  const probe = () => {
    send({ kind: "show", fresh: true });
    expectAnswer();
  };

  view.stop.addEventListener("click", () => {
    say("Stopping …");
    send({ kind: "stop" });
    expectAnswer();
  });

  const watcher = new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    lookAround();
  });
  watcher.observe(view.card);
  document.addEventListener("visibilitychange", lookAround);
  const gone = () => send({ kind: "gone" });
  addEventListener("pagehide", gone);
  const lease = setInterval(() => shown && !ended && send({ kind: "show" }), HERE);
  const countdown = setInterval(() => {
    if (note?.wait) view.note.textContent = noteWords(note, performance.now() - noteCame);
  }, 500);
  const sizes = new ResizeObserver(() => picture.ask());
  sizes.observe(view.card);
  const themes = new MutationObserver(() => picture.ask());
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => picture.ask();
  darkness.addEventListener("change", redraw);

  model.on("msg:custom", onMessage);
  // The page has lost its kernel, or found it again: ask it.
  model.on("comm_live_update", probe);
  take(model.get("snapshot"));

  return () => {
    model.off("msg:custom", onMessage);
    model.off("comm_live_update", probe);
    removeEventListener("pagehide", gone);
    document.removeEventListener("visibilitychange", lookAround);
    darkness.removeEventListener("change", redraw);
    watcher.disconnect();
    sizes.disconnect();
    themes.disconnect();
    clearInterval(lease);
    clearInterval(countdown);
    clearTimeout(answerTimer);
    picture.end();
    gone();
  };
}

export default { render };
