// Places and poses on the floor, in cm, with y up as in the world.

const MIN_JUMP = 30; // cm between two poses that no robot drives from one to the next

export const ROBOT = { length: 17.5, width: 13 };

/**
 * Whether two places, heard of one after the other, are not joined by a way.
 * @param {number[]} from
 * @param {number[]} to
 */
export function isJump(from, to) {
  return Math.hypot(to[0] - from[0], to[1] - from[1]) > MIN_JUMP;
}

/**
 * The pose a part of the way from one to another, turning the short way.
 * @param {Pose} from
 * @param {Pose} to
 * @param {number} part
 * @returns {Pose}
 */
export function interpolate(from, to, part) {
  const turn = ((to[2] - from[2] + 540) % 360) - 180;
  return [
    from[0] + (to[0] - from[0]) * part,
    from[1] + (to[1] - from[1]) * part,
    from[2] + turn * part,
  ];
}

export const PLAIN_GRID = 50; // cm between the lines of a floor without an arena

/**
 * The part of the floor that is shown: the arena, or what the path needs.
 * @param {Arena | null} arena
 * @param {number[][]} rows
 * @param {Pose} pose
 */
export function visibleFloor(arena, rows, pose) {
  if (arena) return { left: 0, bottom: 0, width: arena.width, height: arena.height };
  const points = [...rows.map(([, x, y]) => [x, y]), [pose[0], pose[1]]];
  const lowest = (/** @type {number} */ index) =>
    Math.floor((Math.min(...points.map((point) => point[index])) - 40) / PLAIN_GRID) * PLAIN_GRID;
  const highest = (/** @type {number} */ index) =>
    Math.ceil((Math.max(...points.map((point) => point[index])) + 40) / PLAIN_GRID) * PLAIN_GRID;
  const [left, bottom] = [lowest(0), lowest(1)];
  return {
    left,
    bottom,
    width: Math.max(200, highest(0) - left),
    height: Math.max(150, highest(1) - bottom),
  };
}

/**
 * A place inside of the arena, as near as can be.
 * @param {number[]} place
 * @param {{ width: number, height: number }} arena
 * @returns {Point}
 */
export function clampToArena([x, y], arena) {
  return [Math.min(arena.width, Math.max(0, x)), Math.min(arena.height, Math.max(0, y))];
}

/**
 * The number of the topmost box at a place, or null.
 * @param {ArenaBox[]} boxes
 * @param {Point} place
 */
export function boxAt(boxes, [x, y]) {
  for (let at = boxes.length - 1; at >= 0; at -= 1) {
    const box = boxes[at];
    const angle = (-box.angle * Math.PI) / 180;
    const [dx, dy] = [x - box.x, y - box.y];
    const ahead = dx * Math.cos(angle) - dy * Math.sin(angle);
    const aside = dx * Math.sin(angle) + dy * Math.cos(angle);
    if (Math.abs(ahead) <= box.width / 2 + 1 && Math.abs(aside) <= box.height / 2 + 1) return at;
  }
  return null;
}

/**
 * A line with about as many points at most, evenly thinned; it keeps its ends.
 * @param {number[][]} points
 * @param {number} maxPoints
 */
export function thin(points, maxPoints) {
  const every = Math.ceil(points.length / maxPoints);
  return points.filter((_, at) => at % every === 0 || at === points.length - 1);
}

/**
 * Where a robot is, for who cannot see the picture.
 * @param {Pose} pose
 */
export function poseWords(pose) {
  const [x, y, heading] = pose.map(Math.round);
  return `the robot is at x ${x}, y ${y} cm and heads to ${heading} degrees`;
}
