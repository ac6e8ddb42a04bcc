"""
Profiles the Python that imports it (every Python does, at its start, when the folder is on PYTHONPATH) and writes, at its end, PID.pstats
as cProfile does and PID.table: one line a function, "fn OBJECT FILE LINE NAME CALLS PRIMITIVE SELF CUMULATIVE", one line a caller, and
one line an opcode of a function.
"""
import os
import sys

FUNCTIONS_WITH_CODE = 200


def chain():
    """The sitecustomize that this one hides."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    spec = PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p) != here])
    if spec and spec.loader:
        spec.loader.exec_module(module_from_spec(spec))


def field(text):
    return str(text).replace("\t", " ").replace("\n", " ").replace("\r", " ")


def opcodes(profiler, stats):
    """{(file, line, name): {opcode: how often}} of the most costly functions; those in a loop are counted apart, they are run again and again."""
    import dis

    def label(code):
        return code.co_filename, code.co_firstlineno, code.co_name

    codes = {label(entry.code): entry.code for entry in profiler.getstats() if hasattr(entry.code, "co_code")}
    costly = sorted((func for func in stats if func in codes), key=lambda func: -stats[func][2])[:FUNCTIONS_WITH_CODE]
    found = {}
    for func in costly:
        steps = [step for step in dis.get_instructions(codes[func]) if step.opname != "EXTENDED_ARG"]
        loops = [(step.argval, step.offset) for step in steps
                 if step.opcode in dis.hasjrel + dis.hasjabs and step.argval <= step.offset]
        count = {}
        for step in steps:
            again = any(begin <= step.offset <= end for begin, end in loops)
            name = step.opname + (" in a loop" if again else "")
            count[name] = count.get(name, 0) + 1
        found[func] = count
    return found


def write_table(stats, code, path):
    """stats as cProfile has them: {(file, line, name): (primitive, calls, self, cumulative, {caller: ...})}."""
    number = {func: i for i, func in enumerate(stats)}
    with open(path + ".part", "w", encoding="utf-8", errors="replace") as out:
        out.write("unit\ts\n")
        for (file, line, name), (primitive, calls, own, cumulative, _) in stats.items():
            file = file if file == "~" or file.startswith("<") else os.path.abspath(file)
            out.write(f"fn\t\t{field(file)}\t{line}\t{field(name)}\t{calls}\t{primitive}\t{own!r}\t{cumulative!r}\n")
        for func, (_, _, _, _, callers) in stats.items():
            for caller, (_, calls, _, cumulative) in callers.items():
                if caller in number:
                    out.write(f"call\t{number[caller]}\t{number[func]}\t{calls}\t{cumulative!r}\n")
        for func, count in code.items():
            for name, times in count.items():
                out.write(f"code\t{number[func]}\t{name}\t{times}\n")
    os.rename(path + ".part", path)


def start(folder):
    import atexit
    import cProfile

    profiler, real_exit = cProfile.Profile(), os._exit

    def finish():
        profiler.disable()
        profiler.create_stats()
        if not profiler.stats:
            return
        base = os.path.join(folder, str(os.getpid()))
        while os.path.exists(base + ".table"):  # a process that became another program by exec
            base += "a"
        profiler.dump_stats(base + ".pstats")
        write_table(profiler.stats, opcodes(profiler, profiler.stats), base + ".table")
        profiler.clear()

    def leave(status):
        try:
            finish()
        finally:
            real_exit(status)

    def born():
        profiler.clear()
        profiler.enable()

    atexit.register(finish)
    os._exit = leave  # how multiprocessing ends its children
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=born)
    profiler.enable()


try:
    chain()
finally:
    if os.environ.get("BISECT_RUN_PROFILE_DIR"):
        start(os.environ["BISECT_RUN_PROFILE_DIR"])
