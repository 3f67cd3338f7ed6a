"""A real kernel, and what a notebook's page does with it: run cells, send messages to widgets, and
receive theirs."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio import Future
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["Notebook", "kernel"]

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 60.0  # s


class Notebook:
    """One page with one kernel. Everything the kernel publishes is read as it comes, as a page
    does."""

    def __init__(self, client: AsyncKernelClient) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        """The first state of every widget's model, by the id of its comm."""
        self.widget_messages: list[dict[str, Any]] = []
        """The data of all that widgets have sent, oldest first."""
        self._client = client
        self._subshell: str | None = None
        self._text: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._idle: set[str] = set()
        self._watchers: list[tuple[Callable[[], bool], Future[None]]] = []

    async def run(self, code: str) -> str:
        """Run a cell to its end; returns what it printed.

        Raises:
            RuntimeError: when it raised something.
        """
        return await self.finish(self.start(code))

    async def value(self, expression: str) -> Any:
        """The value of an expression, which may await, and whose value JSON can hold."""
        return json.loads(await self.run(f"import json; print(json.dumps({expression}))"))

    def start(self, code: str) -> str:
        """Run a cell and do not wait for it; returns the id that :meth:`finish` and :meth:`printed`
        take."""
        id = str(self._client.execute(code, store_history=False, allow_stdin=False))
        self._text[id] = ""
        return id

    async def finish(self, id: str) -> str:
        """Wait for the end of a started cell; returns what it printed."""
        await self.until(lambda: id in self._idle)
        # The reply too: ipykernel 7 may miss a request that comes while it sends one (its issue
        # 1554).
        async with asyncio.timeout(_PATIENCE):
            while (await self._client.get_shell_msg())["parent_header"].get("msg_id") != id:
                pass
        if id in self._errors:
            raise RuntimeError(f"a cell failed in the kernel: {self._errors[id]}")
        return self._text[id]

    async def printed(self, id: str, text: str) -> None:
        """Wait until a started cell, or a task that it began, has printed this."""
        await self.until(lambda: text in self._text[id] or id in self._errors)
        if id in self._errors:
            raise RuntimeError(f"a cell failed in the kernel: {self._errors[id]}")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the kernel publishes to become so."""
        if condition():
            return
        future = asyncio.get_running_loop().create_future()
        self._watchers.append((condition, future))
        async with asyncio.timeout(_PATIENCE):
            await future

    def custom(self, comm_id: str, content: dict[str, Any]) -> None:
        """Send what a view sends to its model: over the subshell that JupyterLab makes for widgets,
        if the kernel has any."""
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if self._subshell is not None:
            message["header"]["subshell_id"] = self._subshell
        self._client.shell_channel.send(message)

    # Inside.

    async def begin(self) -> None:
        """Make the subshell for widgets, where the kernel has such things."""
        info = await self._client.kernel_info(reply=True, timeout=_PATIENCE)
        if "kernel subshells" in info["content"].get("supported_features", []):
            channel = self._client.control_channel
            channel.send(self._client.session.msg("create_subshell_request", {}))
            answer = await channel.get_msg(timeout=_PATIENCE)
            self._subshell = answer["content"]["subshell_id"]

    async def listen(self) -> None:
        """Read what the kernel publishes, for ever."""
        while True:
            self._received(await self._client.get_iopub_msg())
            for watcher in [
                watcher for watcher in self._watchers if watcher[1].done() or watcher[0]()
            ]:
                self._watchers.remove(watcher)
                if not watcher[1].done():
                    watcher[1].set_result(None)

    def _received(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        parent = message["parent_header"].get("msg_id", "")
        if kind == "status" and content["execution_state"] == "idle":
            self._idle.add(parent)
        elif kind == "stream" and content["name"] == "stdout" and parent in self._text:
            self._text[parent] += content["text"]
        elif kind == "error":
            self._errors[parent] = f"{content['ename']}: {content['evalue']}"
        elif kind == "comm_open":
            self.models[content["comm_id"]] = content["data"]["state"]
        elif kind == "comm_msg":
            self.widget_messages.append(content["data"])


@asynccontextmanager
async def kernel() -> AsyncIterator[Notebook]:
    """A fresh kernel of this environment, with the checkout on its path and nothing of its user's;
    it has ended afterwards."""
    # Other folders may hold a kernel of this name that belongs to another environment.
    manager = AsyncKernelManager(
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
    )
    with TemporaryDirectory() as own, (Path(own) / "log").open("w+", encoding="utf-8") as log:
        env = {**os.environ, "IPYTHONDIR": own, "PYTHONPATH": str(_ROOT)}
        await manager.start_kernel(cwd=str(_ROOT), env=env, stdout=log, stderr=log)
        try:
            async with _page(manager) as notebook:
                yield notebook
        except TimeoutError:
            log.seek(0)
            log_end = log.read()[-2000:]
            raise RuntimeError(
                f"the kernel did not do within {_PATIENCE:g} s what was waited for; its log ends "
                f"with:\n{log_end}"
            ) from None
        finally:
            await manager.shutdown_kernel(now=True)


@asynccontextmanager
async def _page(manager: AsyncKernelManager) -> AsyncIterator[Notebook]:
    client = manager.client()
    client.start_channels()
    listener: asyncio.Task[None] | None = None
    try:
        await client.wait_for_ready(timeout=_PATIENCE)
        notebook = Notebook(client)
        await notebook.begin()
        listener = asyncio.create_task(notebook.listen())
        yield notebook
    finally:
        if listener is not None:
            listener.cancel()
            await asyncio.wait([listener])
        client.stop_channels()
