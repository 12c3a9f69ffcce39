"""An error of our own can be located in the log, and its text is not there."""

import gc
import weakref

from lgsp_runtime.error_frames import MAX_ERRORS, MAX_FRAMES, forget_frames, frames

NUMBER = "022093001234"


def _raised(work: object, *given: object) -> BaseException:
    try:
        work(*given)  # type: ignore[operator]
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def _reads(text: str) -> int:
    return int(f"nobody {text}")


def _wraps(text: str) -> None:
    try:
        _reads(text)
    except ValueError as error:
        raise KeyError(text) from error


def _suppresses(text: str) -> None:
    try:
        _reads(text)
    except ValueError:
        raise KeyError(text) from None


def _recurses(depth: int) -> None:
    if not depth:
        raise RuntimeError(NUMBER)
    _recurses(depth - 1)


def test_each_frame_has_file_line_and_function_and_no_text() -> None:
    lines = frames(_raised(_reads, NUMBER))
    assert lines[0] == "ValueError"
    file, _, function = lines[-1].partition(" ")
    assert function == "_reads"
    path, _, line = file.rpartition(":")
    assert path.endswith("unit/runtime/test_error_frames.py")
    assert line.isdecimal()
    assert NUMBER not in " ".join(lines)


def test_causes_are_listed_after_the_error() -> None:
    lines = frames(_raised(_wraps, NUMBER))
    assert [line for line in lines if " " not in line] == ["KeyError", "ValueError"]
    assert lines[-1].endswith(" _reads")
    assert "ValueError" not in frames(_raised(_suppresses, NUMBER))


def test_a_group_tells_its_parts() -> None:
    group = BaseExceptionGroup(NUMBER, [_raised(_reads, NUMBER), _raised(_wraps, NUMBER)])
    named = [line for line in frames(group) if " " not in line]
    assert sorted(named) == ["ExceptionGroup", "KeyError", "ValueError", "ValueError"]


def test_recursions_and_long_chains_are_cut() -> None:
    lines = frames(_raised(_recurses, 500))
    assert len(lines) == MAX_FRAMES + 2
    assert any("more)" in line for line in lines)
    error: BaseException = ValueError()
    for _ in range(100):
        wrapped = ValueError()
        wrapped.__cause__, error = error, wrapped
    assert len(frames(error)) == MAX_ERRORS + 1
    error.__cause__ = error
    assert frames(error) == ["ValueError"]


class _Document:
    """Something that frames hold."""


def _refuses(document: _Document) -> None:
    refusal = ValueError(repr(document))  # in a variable of the frame that the error holds: a cycle
    raise refusal


def _caught(document: _Document) -> BaseException:
    try:
        _refuses(document)
    except ValueError as cause:
        error = KeyError()
        error.__cause__ = cause
        return error
    raise AssertionError("nothing was raised")


def test_what_frames_hold_is_let_go_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        document = _Document()
        held = weakref.ref(document)
        error = _caught(document)
        del document
        assert held() is not None
        forget_frames(error)
        assert held() is None
        assert frames(error) == ["KeyError", "ValueError"]
    finally:
        gc.enable()
