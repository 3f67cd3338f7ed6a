"""Real kernels of three versions; one serves a module and version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.kernels import USUAL, VERSIONS, Kernel, check_nothing_left, install


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of kernels on 6.31 and 7.3, those marked `every_kernel` on 7.4.0 too."""
    every = metafunc.definition.get_closest_marker("every_kernel")
    versions = VERSIONS if every else [version for version in VERSIONS if version != "7.4.0"]
    if "kernel" in metafunc.fixturenames:
        metafunc.parametrize("kernel", versions, indirect=True, scope="module")
    if "fresh_kernel" in metafunc.fixturenames:
        metafunc.parametrize("fresh_kernel", versions, indirect=True)


@pytest.fixture(scope="module")
def kernel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel of each version in turn, for all tests of a module."""
    yield from _kernel(request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def usual_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel of the version that our environments use."""
    yield from _kernel(USUAL, tmp_path_factory)


@pytest.fixture(params=["", "thread=True"], ids=["home=kernel", "home=thread"])
def home(request: pytest.FixtureRequest) -> str:
    """Where the objects of a test live, as an argument of `serve` and `connect`."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a server, a client or a task in its kernel, or after which somebody
    complained there."""
    name = next((name for name in ("kernel", "usual_kernel") if name in request.fixturenames), None)
    yield
    if name is not None:
        check_nothing_left(request.getfixturevalue(name))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a kernel share a runner, so that `--dist loadgroup` starts each kernel
    once."""
    for item in items:
        callspec = getattr(item, "callspec", None)
        if item.path.is_relative_to(Path(__file__).parent):
            params = callspec.params if callspec is not None else {}
            version = params.get("kernel") or params.get("fresh_kernel") or USUAL
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{version}"))
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture
def fresh_kernel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """A kernel of each version in turn, for this test alone: one to be restarted."""
    for kernel in _kernel(request.param, tmp_path_factory):
        yield kernel
        check_nothing_left(kernel)


def _kernel(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    install(version)
    kernel = Kernel(version, tmp_path_factory.mktemp("kernels"))
    try:
        yield kernel
    finally:
        kernel.close()
