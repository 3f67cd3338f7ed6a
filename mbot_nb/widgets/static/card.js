// The live card's page side: words, and a picture that glides from one pose to the next.

const FRAME = 1000 / 20 - 2; // ms between two pictures; the screen's own beat rounds it up
const GLIDE = 110; // ms: poses come ten times a second, and the picture glides from one to the next
const STEP = 0.5; // cm between two points of the path
const MOST_POINTS = 1500;

function row(list, name) {
  make("dt", list, { textContent: name });
  return make("dd", list, { textContent: "–" });
}

/** The elements of one view. */
function build(live) {
  const card = live.root;
  const canvas = make("canvas", card);
  canvas.setAttribute("role", "img");
  const side = make("div", card, { className: "mbot-card-side" });
  live.addConnection(side);
  const list = make("dl", side);
  const view = { canvas };
  for (const name of ["mode", "tension", "position", "heading", "latency"]) view[name] = live.field(name, row(list, name));
  live.addStop(side);
  live.addSaid(side);
  live.addStopWords(side);
  return view;
}

/** Write the words of the values that are given. */
function write(view, values) {
  if ("mode" in values) view.mode.textContent = values.mode ?? "–";
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

/** The picture: keeps what is known, and draws it when something has changed. */
class Picture extends Painting {
  constructor(live, canvas) {
    super(live, canvas, FRAME);
    this.arena = null;
    this.path = [];
    this.from = this.to = null;
    this.since = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  take(values) {
    if ("arena" in values) this.arena = values.arena;
    if ("path" in values) this.path = values.path.slice();
    if ("pose" in values) {
      const pose = values.pose;
      const before = this.pose();
      this.from = "path" in values || this.still.matches || !before || !pose || jumped(before, pose) ? pose : before;
      this.to = pose;
      this.since = performance.now();
      if (pose && !("path" in values)) this.extend(pose[0], pose[1]);
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
    return between(this.from, this.to, part);
  }

  draw() {
    const { canvas, arena } = this;
    const context = arena && inCentimetres(canvas, arena);
    if (!context) return;
    const colours = palette(this.live.root);
    drawArena(context, arena, colours);
    const pose = this.pose();
    const gliding = performance.now() - this.since < GLIDE;
    context.strokeStyle = colours.path;
    context.lineWidth = 1.2;
    // While it glides, the path ends under the robot and not ahead of it.
    wayOf(context, gliding ? [...this.path.slice(0, -1), pose] : [...this.path, pose]);
    drawRobot(context, pose, colours);
    if (gliding) this.ask();
  }
}

function render({ model, el }) {
  const live = new Live({ model, el }, "mbot-card");
  const view = build(live);
  const picture = new Picture(live, view.canvas);
  live.take = (values) => {
    write(view, values);
    picture.take(values);
  };
  live.seen = () => picture.ask();
  live.painted = () => picture.ask();
  live.start();
  return () => {
    live.end();
    picture.stop();
  };
}

export default { render };
