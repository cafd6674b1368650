"""Compiled models take over between two jobs, draw the same, and never make anybody wait.

With the backend `aot_eager`, which is torch's own way through but for the last step: it writes no
C++, so it needs no compiler and takes seconds. What is kept for the next start is made by inductor.
"""

from tests.unit.engine.published import PublishedLibraries

MODELS = """
import logging, threading
import numpy as np, torch
from gpu_worker.engine.compiling.attaching import attach
from gpu_worker.engine.compiling.background import Compiling
from gpu_worker.engine.compiling.choice import CompileChoice, CompileMode
from gpu_worker.engine.compiling.compiled_module import CompiledModule
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.ports import EngineJob
from shared.parse import parse_request

def job(number, **how):
    request = parse_request({"prompt": "a red circle", "num_inference_steps": 2, **how},
                            max_images=4)
    return EngineJob(job_id=str(number), request=request, seed=7)

def draw(model, number=0, before_step=lambda: None, **how):
    how = {"refiner_inference_steps": 0, **how}
    done = model.generate(job(number, **how), lambda _: before_step(), lambda: None, lambda _: None)
    return done.pictures[0].pixels.astype(int)

class Said(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
    def emit(self, record):
        self.lines.append(record.getMessage())

said = Said()
logging.getLogger("gpu_worker.engine.compiling").addHandler(said)
logging.getLogger("gpu_worker.engine.compiling").setLevel(logging.INFO)
ON = CompileChoice(mode=CompileMode.ON)
def attached(model, backend="aot_eager"):
    model.compiling = attach(ON, model.device, model._draw, model._shoot,
                             sources={"shapes": SHAPES.source}, backend=backend)
    return model.compiling
"""

PICTURES = (
    MODELS
    + """
model = Model((SHAPES, SHAPES.source))
eager = draw(model)
compiling = attached(model)
unet = compiling._modules[0]
asked = []
run = unet._compiled
draw(model)
assert unet.next_wanted() is None, "once is not often"
draw(model)
assert unet.next_wanted() is not None
waiting, go_on = threading.Event(), threading.Event()
compile_now = unet.compile
def compile_when_told(signature):
    waiting.set()
    assert go_on.wait(60)
    compile_now(signature)
unet.compile = compile_when_told
compiling.start()
assert waiting.wait(60)
assert np.array_equal(draw(model), eager), "a job meanwhile is eager"
def swap_within_the_job():
    go_on.set()
    while not compiling.wait_until_ready(1, 0.02):
        compiling.between_steps()
assert np.array_equal(draw(model, before_step=swap_within_the_job), eager), "swapped in a job"
counted = []
made = unet._compiled
unet._compiled = lambda *a, **k: counted.append(1) or made(*a, **k)
fast = draw(model)
assert len(counted) == 2
assert abs(fast - eager).max() <= 1, abs(fast - eager).max()
# Another signature (two pictures) is eager, and no reason to compile within the job.
assert abs(draw(model, num_images=2) - eager).max() <= 1
assert len(counted) == 2
assert said.lines[0].startswith("compiled unet in "), said.lines
# A LoRA changes the layers, after its job has begun.
def load_lora():
    unet._usable = lambda: False
draw(model, before_step=load_lora)
assert len(counted) == 2
assert unet.next_wanted() is None
unet._usable = lambda: True
# What is compiled may fail for a reason of its own: the picture is drawn all the same.
def broken(*a, **k):
    raise RuntimeError("illegal instruction")
unet._compiled = broken
assert np.array_equal(draw(model), eager)
unet._compiled = made
assert np.array_equal(draw(model), eager), "compiled again"
assert len([it for it in said.lines if "runs eagerly" in it]) == 1, said.lines
"""
)

FILMS = (
    MODELS
    + """
from gpu_worker.engine.film_loading import load_film_pipelines
model = Model(None, (SHAPES_FILM, SHAPES_FILM.source))
def shoot():
    frames = []
    film = job(0, task_type="text2video", num_frames=17)
    model.generate(film, lambda _: None, lambda: None, lambda it: frames.append(it.astype(int)))
    return np.concatenate(frames)
eager = shoot()
compiling = attached(model)
transformer = compiling._modules[0]
shoot(), shoot()
# A job's stop must not reach whoever compiles beside it.
def stop(*_):
    raise AssertionError("the job's hook was called")
hook = transformer._module.register_forward_pre_hook(stop)
assert compiling.compile_all() == 1
hook.remove()
from torch._dynamo.utils import counters
graphs = counters["stats"]["unique_graphs"]
fast = shoot()
assert abs(fast - eager).max() <= 1, abs(fast - eager).max()
assert counters["stats"]["unique_graphs"] == graphs, "compiled within a job"
assert 1 <= graphs <= 2, "a graph for each block, which are all alike"
seen = []
blocks = [it for it in transformer._module.modules() if type(it).__name__ == "WanTransformerBlock"]
assert len(blocks) > 1
assert all(it._compiled_call_impl is not None for it in blocks)
"""
)

FAULTS = (
    MODELS
    + """
module = torch.nn.Linear(3, 3)
def cannot(graph, inputs):
    raise RuntimeError("no such instruction: vfmadd")
compiled = CompiledModule("linear", module, whole=True, backend=cannot)
compiling = Compiling([compiled])
for _ in range(2):
    with compiling.job(), torch.no_grad():
        module(torch.ones(2, 3))
assert compiling.compile_all() == 0
assert compiled.next_wanted() is None, "it would be tried for ever"
with compiling.job(), torch.no_grad():
    module(torch.ones(2, 3))
assert len(said.lines) == 1 and said.lines[0].startswith("linear could not be compiled"), said.lines
assert "vfmadd" in said.lines[0], said.lines
"""
)

BOUNDS = """
import torch
from gpu_worker.engine.compiling.compiled_module import MOST_GRAPHS, MOST_NOTED, CompiledModule
from gpu_worker.engine.compiling.signature import copied, signature_of
module = torch.nn.Linear(3, 3)
compiled = CompiledModule("linear", module, whole=True, backend="aot_eager")
for rows in range(1, 3 * MOST_NOTED):
    compiled.begin_job(compiled=True)
    assert module(torch.ones(rows, 3)).shape == (rows, 3)
    compiled.end_job(counts_as=3 if rows == 1 else 1)
assert len(compiled._jobs) <= MOST_NOTED and len(compiled._wanted) <= MOST_NOTED
assert compiled.next_wanted() == signature_of(((torch.ones(1, 3),), {}))
one = torch.ones(2)
assert signature_of([one, {"a": None}]) == signature_of([one + 1, {"a": None}])
assert signature_of(one) != signature_of(one.double())
assert signature_of(1) != signature_of(1.0) != signature_of(True)
assert signature_of([one]) != signature_of((one,))
try:
    signature_of(object())
except TypeError as error:
    assert "a object among" in str(error)
else:
    raise AssertionError
for value in (torch.ones(1).expand(3), torch.ones(2, 3).t(), torch.ones(4)[1:], torch.tensor(1)):
    assert signature_of(copied(value)) == signature_of(value)
    assert torch.equal(copied(value), value) and copied(value).data_ptr() != value.data_ptr()
# Two modules of a class have all their graphs, though torch counts them together.
both = [CompiledModule(it, torch.nn.Linear(3, 3), whole=True, backend="eager") for it in "ab"]
for each in both:
    for rows in range(2, 3 + MOST_GRAPHS):
        each.begin_job(compiled=True)
        with torch.no_grad():
            each._module(torch.ones(rows, 3))
        each.end_job(counts_as=2)
    while (wanted := each.next_wanted()) is not None:
        each.compile(wanted)
assert [each.ready for each in both] == [MOST_GRAPHS, MOST_GRAPHS]
# A call that cannot be told from others is eager.
class Odd(torch.nn.Module):
    def forward(self, x, what):
        return x + 1
odd = Odd()
watched = CompiledModule("odd", odd, whole=True)
watched.begin_job(compiled=True)
assert odd(one, object()).tolist() == [2, 2]
watched.end_job()
assert watched.next_wanted() is None
"""


TURNS = """
import sys, threading
import torch
from gpu_worker.engine.compiling.turns import Turns, take_turns

class Scaled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 2)
    def forward(self, x):
        return self.inner(x) + 1

original = torch.fx.Tracer.trace
turns = Turns()
module, one = Scaled(), torch.ones(1, 2)
try:
    inside, tried = threading.Event(), threading.Event()
    class Waiting(torch.fx.Tracer):
        def call_module(self, *args, **kwargs):
            inside.set()
            assert threading.current_thread() is not beside or tried.wait(60)
            return super().call_module(*args, **kwargs)
    def trace(tracer, count=1):
        for _ in range(count):
            tracer.trace(Scaled())
    beside = threading.Thread(target=trace, args=(Waiting(),))
    beside.start()
    assert inside.wait(60)
    try:
        module(one)
    except NameError as error:
        assert "not installed as a submodule" in str(error)
    else:
        raise AssertionError("torch traces beside other threads now: turns are not needed")
    finally:
        tried.set()
        beside.join()
    take_turns(turns)
    beside = threading.Thread(target=trace, args=(torch.fx.Tracer(), 100))
    beside.start()
    while beside.is_alive():
        with turns.job():
            for _ in range(5):
                turns.pass_on()
                module(one)
    # A trace within a trace is one turn, and one that fails gives its turn back.
    class Failing(torch.fx.Tracer):
        def call_module(self, *args, **kwargs):
            torch.fx.symbolic_trace(torch.nn.Linear(1, 1))
            raise ValueError("as told")
    try:
        Failing().trace(Scaled())
    except ValueError:
        pass
    else:
        raise AssertionError
    with turns.job():
        turns.pass_on()
        torch.fx.symbolic_trace(Scaled())  # as torch would do to compile within the job
finally:
    torch.fx.Tracer.trace = original
"""


def test_jobs_and_traces_take_turns_since_a_trace_changes_modules_for_all_threads(
    published: PublishedLibraries,
) -> None:
    published.run(TURNS)


def test_compiled_pictures_are_those_of_the_eager_model_and_begin_at_a_job_s_boundary(
    published: PublishedLibraries,
) -> None:
    published.run(PICTURES)


def test_a_film_s_blocks_are_compiled_once_and_for_all_of_them(
    published: PublishedLibraries,
) -> None:
    published.run(FILMS)


def test_a_compilation_that_fails_is_said_once_and_eager_goes_on(
    published: PublishedLibraries,
) -> None:
    published.run(FAULTS)


def test_sizes_that_nobody_asks_for_again_are_forgotten(published: PublishedLibraries) -> None:
    published.run(BOUNDS)
