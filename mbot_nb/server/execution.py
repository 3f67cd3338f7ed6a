"""What the clients' commands do: handlers and hooks of the user's, and else the robot."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from .. import commands as c
from ..errors import CommandRejectedError, MbotError
from ..jupyter.cells import Cell, current
from ..jupyter.handlers import is_cancelled, is_replacement
from ..loops.call import await_if_needed
from ..loops.home import Home, log_failure
from ..protocol import messages as m
from ..protocol.server import Hub
from ..protocol.server.events import CommandEnded, CommandStarted
from ..protocol.server.sessions import ReceivedCommand, ServerSession
from ..robot import Ended, Motion, Outcome, Robot
from .clients import Clients, RemoteClient

__all__ = ["CommandHandler", "Execution", "Hook"]

_log = logging.getLogger("mbot_nb")

CommandHandler = Callable[..., Any]
Hook = Callable[..., Any]
Refusal = tuple[str, str, dict[str, Any] | None]


class _Hooked(NamedTuple):
    hook: Hook
    cell: Cell | None


class Execution:
    """Runs the commands of each client one after another; all on the home loop.

    ``flush`` sends what came of it, ``refresh`` also what has changed in the robot's state.
    """

    def __init__(
        self,
        hub: Hub,
        robot: Robot,
        clients: Clients,
        home: Home,
        *,
        flush: Callable[[], None],
        refresh: Callable[[], None],
    ) -> None:
        self.handlers: dict[str, CommandHandler] = {
            name: _without_client(function) for name, function in robot.own_commands().items()
        }
        self.moved = False
        """Whether the robot got a command, so that its state is to be read."""
        self._hub = hub
        self._robot = robot
        self._clients = clients
        self._home = home
        self._now = home.clock
        self._flush = flush
        self._refresh = refresh
        self._message_hooks: list[_Hooked] = []
        self._hooks: dict[str, list[_Hooked]] = {
            "connect": [],
            "disconnect": [],
            "message": self._message_hooks,
        }
        self._tasks: set[asyncio.Task[Any]] = set()
        self._moving: tuple[ServerSession, Motion] | None = None
        self._ended = False

    # Hooks.

    def add_hook(self, kind: str, hook: Hook) -> None:
        """Call it from now on; the same one, or the same cell run again, replaces its earlier
        self."""
        cell = current()
        hooks = self._hooks[kind]
        hooks[:] = [old for old in hooks if not is_replacement(old.hook, old.cell, hook, cell)]
        hooks.append(_Hooked(hook, cell))

    def call_hooks(self, kind: str, *args: Any) -> None:
        """Call all hooks of a kind. One that fails is reported, and the others are called."""
        for hook, _ in tuple(self._hooks[kind]):
            try:
                result = hook(*args)
            except Exception as error:
                log_failure(f"your on_{kind} hook failed", error)
                continue
            if isinstance(result, Awaitable):
                self._spawn(await_if_needed(result), f"on_{kind} hook")

    # Commands.

    def run_urgent(self, session: ServerSession, message: m.CommandMessage) -> None:
        """Carry out a stop or its release at once."""
        name = message.payload.command
        if self._hub.tap is not None:
            now = self._now()
            self._hub.tap(CommandStarted(now, session, message, now))
        self.call_hooks("message", self._clients[session], name, message.payload.params)
        try:
            command = c.parse(name, message.payload.params)
            result: dict[str, Any] = {}
            if isinstance(command, c.EmergencyStop):
                result["latch"] = self._robot.emergency_stop()
            elif isinstance(command, c.ReleaseStop):
                self._robot.release_stop(command.latch)
            else:
                self._robot.stop()
        except Exception as error:
            self._refuse(session, message, error)
        else:
            # The latch is in the state before the answer is there, so that whoever has it can
            # release it.
            self._hub.refresh(self._now())
            self._hub.answer(session, message, self._now(), result=result)
        self._refresh()

    def run(self, session: ServerSession, commands: list[ReceivedCommand]) -> None:
        """Carry out commands in order, after those of the same client that are still at work."""
        client = self._clients[session]
        for received in commands:
            if session.busy:
                session.backlog.append(received)
                continue
            pending = self._start(client, received)
            if pending is not None:
                session.busy = True
                self._spawn(
                    self._finish(session, received, pending),
                    f"handler of {received.message.payload.command}",
                )

    def stop_for(self, session: ServerSession, reason: str) -> bool:
        """Stop the robot if this client moves it; whether it did."""
        if self._moving is None or self._moving[0] is not session:
            return False
        self._moving = None
        self.stop_robot(reason)
        return True

    def stop_robot(self, reason: str) -> None:
        """Stop it; a robot that fails at that keeps nothing else from being done."""
        try:
            self._robot.stop(reason)
        except Exception as error:
            fault = None if isinstance(error, MbotError) else error
            _log.error(
                "the robot did not stop (%s): %s: %s",
                reason,
                type(error).__name__,
                error,
                exc_info=fault,
            )

    async def end(self, grace: float) -> None:
        """Start nothing more, and cancel what handlers and hooks are still at, but for the one that
        asks for it."""
        self._ended = True
        tasks = {task for task in self._tasks if task is not asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)

    # Inside.

    def _start(self, client: RemoteClient, received: ReceivedCommand) -> Awaitable[Any] | None:
        """Call the handler or the robot; returns what is still to be awaited."""
        session = client.session
        message = received.message
        payload = message.payload
        name = payload.command
        if self._hub.tap is not None:
            self._hub.tap(CommandStarted(self._now(), session, message, received.arrived))
        if self._message_hooks:
            self.call_hooks("message", client, name, payload.params)
        handler = self.handlers.get(name)
        try:
            if name in c.MOTIONS:
                self._check_motion(session, received)
            if handler is None:
                self._handle_result(session, message, self._robot_command(name, payload.params))
                return None
            result = handler(client, **payload.params)
        except Exception as error:
            self._refuse(session, message, error, handler)
            return None
        if result is not None and isinstance(result, Awaitable):
            return result
        if payload.reply:
            self._handle_result(session, message, result)
        elif self._hub.tap is not None:
            self._hub.tap(CommandEnded(self._now(), session, message, None))
        return None

    async def _finish(
        self, session: ServerSession, received: ReceivedCommand, pending: Awaitable[Any] | None
    ) -> None:
        """Await one async handler, then run what has come from this client meanwhile."""
        try:
            while True:
                message = received.message
                if pending is not None:
                    try:
                        self._handle_result(session, message, await pending)
                    except (Exception, asyncio.CancelledError) as error:
                        if is_cancelled(error):
                            raise
                        self._refuse(
                            session, message, error, self.handlers.get(message.payload.command)
                        )
                if self.moved:
                    self._refresh()
                else:
                    self._flush()
                if not session.backlog or self._ended:
                    return
                received = session.backlog.popleft()
                pending = self._start(self._clients[session], received)
        finally:
            session.busy = False
            self._clients.forget(session)

    def _check_motion(self, session: ServerSession, received: ReceivedCommand) -> None:
        """Refuse motion that a stop, a cut or its age forbids, whoever is to carry it out."""
        name = received.message.payload.command
        objection = self._hub.objection(session, received, self._now())
        if objection is not None:
            raise CommandRejectedError(*objection, command=name)
        if name in self.handlers:
            self._robot.refuse_if_latched(name)

    def _robot_command(self, name: str, params: Mapping[str, Any]) -> Outcome:
        if name not in c.ALL:
            names = ", ".join(sorted({*c.ALL, *self.handlers}))
            raise CommandRejectedError(
                "INVALID_COMMAND", f"there is no command {name[:64]!r}; this server knows {names}"
            )
        command = c.parse(name, params)
        if isinstance(command, c.CustomCommand) and not self._robot.takes_custom:
            raise CommandRejectedError(
                "UNSUPPORTED",
                "custom: nobody handles it here; the server registers a handler with "
                '@server.command("custom")',
            )
        outcome = self._robot.execute(command)
        self.moved = True
        return outcome

    def _handle_result(
        self, session: ServerSession, message: m.CommandMessage, result: Any
    ) -> None:
        """Answer: a motion when it ends, what the robot has yet to confirm when it has. What comes
        behind need not wait."""
        if isinstance(result, Motion):
            motion = result
            self.moved = True
            self._moving = session, motion

            def ended(how: Ended) -> None:
                self._home.post(self._motion_ended, session, message, motion)

            motion.on_end(ended)
        elif isinstance(result, Future):
            result.add_done_callback(
                lambda future: self._home.post(self._confirmed, session, message, future)
            )
        else:
            self._answer(session, message, result)

    def _motion_ended(
        self, session: ServerSession, message: m.CommandMessage, motion: Motion
    ) -> None:
        if self._moving is not None and self._moving[1] is motion:
            self._moving = None
        if self._ended:
            return
        if motion.error is None:
            self._answer(session, message, {"ended": motion.ended})
        else:
            self._refuse(session, message, _as_refusal(motion.error))
        self._refresh()

    def _confirmed(
        self, session: ServerSession, message: m.CommandMessage, future: Future[Any]
    ) -> None:
        """The robot has confirmed it, or it is known that it has not."""
        if self._ended:
            return
        error = None if future.cancelled() else future.exception()
        if future.cancelled():
            self._refuse(
                session,
                message,
                CommandRejectedError("STOPPED", f"{message.payload.command}: it was withdrawn"),
            )
        elif error is not None:
            self._refuse(session, message, _as_refusal(error))
        else:
            self._answer(session, message, future.result())
        self._flush()

    def _answer(self, session: ServerSession, message: m.CommandMessage, result: Any) -> None:
        try:
            try:
                self._hub.answer(session, message, self._now(), result=result)
            except TypeError:
                self._hub.answer(session, message, self._now(), result=c.plain(result))
        except (TypeError, ValueError, RecursionError) as error:
            self._refuse(session, message, error, self.handlers.get(message.payload.command))

    def _refuse(
        self,
        session: ServerSession,
        message: m.CommandMessage,
        error: BaseException,
        handler: CommandHandler | None = None,
    ) -> None:
        """Answer what was raised: a refusal as it is, wrong parameters as such, anything else
        without its inside."""
        name = message.payload.command
        refusal: Refusal
        if isinstance(error, CommandRejectedError):
            refusal = error.code, error.message, error.details or None
        elif (
            handler is not None
            and isinstance(error, TypeError)
            and not _accepts(handler, message.payload.params)
        ):
            takes = (
                ", ".join(str(p) for p in list(inspect.signature(handler).parameters.values())[1:])
                or "nothing"
            )
            given = ", ".join(message.payload.params) or "nothing"
            refusal = "INVALID_PARAMS", f"{name}: it takes ({takes}), and was given ({given})", None
        else:
            log_failure(f"the handler of {name!r} failed", error)
            refusal = (
                "INTERNAL_ERROR",
                f"{name} failed inside the server; the server's log says how",
                None,
            )
        try:
            self._hub.answer(session, message, self._now(), refusal=refusal)
        except (TypeError, ValueError, RecursionError) as unsendable:
            _log.error("the refusal of %r cannot be sent: %s", name, unsendable)
            refusal = (
                "INTERNAL_ERROR",
                f"{name} was refused, in words that cannot be sent; the server's log says more",
                None,
            )
            self._hub.answer(session, message, self._now(), refusal=refusal)

    def _spawn(self, coroutine: Coroutine[Any, Any, Any], what: str) -> None:
        task = self._home.spawn(coroutine, what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _as_refusal(error: BaseException) -> BaseException:
    """What became of a command on its way to the robot, as a refusal that has the error's name; a
    fault stays one."""
    if isinstance(error, CommandRejectedError) or not isinstance(error, MbotError):
        return error
    return CommandRejectedError(
        "STATE_CONFLICT", str(error), details={"error": type(error).__name__}
    )


def _accepts(handler: CommandHandler, params: Mapping[str, Any]) -> bool:
    """Whether the handler can be called with these parameters."""
    try:
        inspect.signature(handler).bind(None, **params)
    except TypeError:
        return False
    return True


def _without_client(function: Callable[..., Any]) -> CommandHandler:
    """A robot's own command as a handler."""

    @functools.wraps(function)
    def handler(client: RemoteClient, **params: Any) -> Any:
        return function(**params)

    return handler
