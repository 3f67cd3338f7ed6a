// A connection of the page's own to the robot's server, for a Stop while the kernel is busy.

const CONNECT_TIMEOUT = 3_000; // ms for a connection of the page's own

/** Whether page and kernel share a machine, as far as the address tells. */
export function isOnKernelMachine() {
  return (
    ["localhost", "127.0.0.1", "[::1]", "::1"].includes(location.hostname) ||
    location.hostname.endsWith(".localhost")
  );
}

/**
 * A route to the robot's server past the kernel. Connects for each stop,
 * and checks whom it has met.
 */
export class DirectConnection {
  /** @param {Route} route */
  constructor(route) {
    this.route = route;
    this.received = performance.now();
  }

  /**
   * Resolves when the command, `stop` or `emergency_stop`, has been sent to this very robot;
   * without one, when it could be.
   * @param {string | null} [command]
   */
  connect(command = null) {
    const { url, token, robot, uptime } = this.route;
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(
        token ? `${url}/?token=${encodeURIComponent(token)}` : `${url}/`,
      );
      const timer = setTimeout(() => end(reject, "it does not answer"), CONNECT_TIMEOUT);
      /** @type {(how: (value: any) => void, value: unknown) => void} */
      const end = (how, value) => {
        clearTimeout(timer);
        how(value);
        socket.close(1000);
      };
      socket.onerror = () => end(reject, "it cannot be reached from this page");
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        if (message.type !== "state") return;
        const found = message.payload.metadata ?? {};
        const expected = uptime + performance.now() - this.received;
        if (found.robotId !== robot || Math.abs(found.uptime - expected) > 1_500) {
          end(reject, "another robot is there");
          return;
        }
        if (command) {
          socket.send(
            JSON.stringify({
              version: 2,
              type: "command",
              payload: { command, params: {} },
              timestamp: Date.now(),
            }),
          );
          const { connection } = message.payload;
          if (connection?.ready === false) {
            end(reject, `its server cannot reach it (${connection.reason})`);
            return;
          }
        }
        end(resolve, true);
      };
    });
  }
}
