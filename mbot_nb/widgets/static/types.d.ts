// What the modules of the page share with the kernel's side, and with each other.

/** What anywidget hands to `render`. */
interface View {
  model: Model;
  el: HTMLElement;
}

interface Model {
  get(name: string): any;
  send(content: object): void;
  on(event: string, callback: (...given: any[]) => void): void;
  off(event: string, callback: (...given: any[]) => void): void;
}

/** A message of the kernel's side, or what has changed of a widget's values. */
type Values = Record<string, any>;

/** Why there is no connection: words, or the attempt and the seconds until it. */
type Note = string | { attempt: number; wait: number | null };

/** How long the last stop took; null seconds of a robot that stood already. */
interface LastStop {
  seconds: number | null;
  exact: boolean;
  after: "click" | "letting go" | "arrival";
}

/** Where the robot's server listens, and how to know the robot again. */
interface Route {
  url: string;
  token?: string;
  robot: string;
  uptime: number;
}

/** In cm, and degrees counterclockwise from the x axis. */
type Point = [x: number, y: number];
type Pose = [x: number, y: number, heading: number];

interface ArenaBox {
  x: number;
  y: number;
  width: number;
  height: number;
  angle: number;
}

interface Arena {
  width: number;
  height: number;
  boxes?: ArenaBox[];
  lights?: { x: number; y: number; brightness: number }[];
  lines?: { points: number[][]; width: number; closed: boolean }[];
  walls?: { x1: number; y1: number; x2: number; y2: number; thickness: number }[];
  pieces?: { x: number; y: number; color: string }[];
}

/** The part of the floor that is shown. */
interface Floor {
  left: number;
  bottom: number;
  width: number;
  height: number;
}

/** The values of one unit, and their height on the canvas. */
interface Scale {
  low: number;
  high: number;
  colors: string[];
  y: (value: number) => number;
}

/** A box in somebody's hand: where it is, and how far its middle is from the hand. */
interface Held {
  box: number;
  x: number;
  y: number;
  dx: number;
  dy: number;
}
