#!/usr/bin/env python3
"""rules.py ROOT - checks the rules that the compiler does not: layers, libraries, who may fork, banned functions, paths.

Prints "file:line: rule: what is wrong" for each offence; exit 1 if there is one.
"""
import os
import re
import sys

# Which folders of src/ each folder may include besides its own. include/bisect_run/ is open to all.
LAYERS = {
    "base": set(),
    "sys": {"base"},
    "search": {"base"},
    "domain": {"base", "sys"},
    "stack": {"base", "sys"},
    "exec": {"base", "sys", "hook", "stack"},
    "judge": {"base", "sys"},
    "hook": {"base", "sys"},
    "record": {"base", "sys"},
    "profile": {"base", "sys"},
    "report": {"base"},
    "app": {"base", "sys", "search", "domain", "exec", "judge", "hook", "record", "profile", "report", "stack"},
}
LIBRARIES = {"elfutils": "stack", "gelf": "stack", "libelf": "stack", "dwarf": "stack", "zlib": "exec", "git2": "domain", "pcre2": "judge", "sqlite3": "record", "jansson": "report"}
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "atol", "atof", "gets", "system", "popen", "signal",
          "localtime"]
SPAWNING = ["fork", "vfork", "clone", "clone3", "_Fork", "execl", "execle", "execlp", "execv", "execve", "execveat",
            "execvp", "execvpe", "fexecve", "posix_spawn", "posix_spawnp", "SYS_fork", "SYS_vfork", "SYS_clone",
            "SYS_clone3", "SYS_execve", "SYS_execveat", "__NR_clone", "__NR_clone3"]
# Absolute paths of one machine. /home/user and /home/x are what examples may write.
MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(?:root/\w|work/|home/(?!user\b|[a-z]\b)\w|Users/\w)")
TEXT_FOLDERS = ["src", "include", "tests", "examples", "hooks", ".ci"]
TEXT_FILES = ["Makefile", "README.md", ".clang-tidy", ".gitignore"]

COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', re.M)


def blank(match):
    """A comment or a string without its content, lines kept. The names in #include stay: see code_of."""
    text = match.group()
    if text[0] == "/":
        return " " + "\n" * text.count("\n")
    return text[0] * 2


def code_of(text):
    """The text without comments and contents of strings."""
    return COMMENT_OR_STRING.sub(blank, text)


def without_comments(text):
    return COMMENT_OR_STRING.sub(lambda m: blank(m) if m.group()[0] == "/" else m.group(), text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def calls(code, names):
    """(line, name) of each call of one of the names, or mention of a system call number."""
    plain = "|".join(map(re.escape, (n for n in names if not n.startswith(("SYS_", "__NR_")))))
    numbers = "|".join(n for n in names if n.startswith(("SYS_", "__NR_")))
    pattern = rf"(?<![\w.>])({plain})\s*\("
    if numbers:
        pattern += rf"|\b({numbers})\b"
    for match in re.finditer(pattern, code):
        yield line_of(code, match.start()), match.group(1) or match.group(2)


def check_include(layer, quoted, system):
    """What is wrong with this include in a file of the layer ("include" for the contracts); None: nothing."""
    name = quoted or system
    if ".." in name.split("/"):
        return "parent-include", f'"{name}": name files from the top of src/ or include/'
    for prefix, owner in LIBRARIES.items():
        if re.match(prefix + r"[./_]", name) and layer != owner:
            return "library", f"<{name}> belongs to src/{owner} alone"
    if quoted is None:
        folder = name.split("/")[0]
        if folder == "bisect_run" or folder in LAYERS and os.path.splitext(name)[1] and folder != "sys":
            return "quotes", f"<{name}>: our own headers stand in quotes"
        return None
    folder = name.split("/")[0] if "/" in name else ""
    if folder == "bisect_run":
        return None
    if layer == "include":
        return "layer", f'"{name}": a contract includes other contracts only'
    if folder == "":
        return "layer", f'"{name}": write the folder too'
    if folder != layer and folder not in LAYERS.get(layer, set()):
        return "layer", f'src/{layer} may not include "{name}"'
    return None


def check_source(path, text, layer):
    """Yields (line, rule, text) for a file of src/ or include/."""
    bare = without_comments(text)
    for match in INCLUDE.finditer(bare):
        wrong = check_include(layer, match.group(1), match.group(2))
        if wrong:
            yield (line_of(bare, match.start()), *wrong)
    code = code_of(text)
    if layer != "sys":
        for line, name in calls(code, SPAWNING):
            yield line, "spawn", f"{name}: only src/sys starts processes"
    match = re.search(r"(?<![\w/.])\.\./shared/|(?<![\w/.])shared/", text)
    if match and path.endswith((".c", ".h", ".def")):
        yield line_of(text, match.start()), "path", "names a folder outside of the project"


def check_c(text):
    for line, name in calls(code_of(text), BANNED):
        yield line, "banned", f"{name} is banned"


def check_text(text):
    for match in MACHINE_PATHS.finditer(text):
        yield line_of(text, match.start()), "path", f"names a path of one machine: {match.group()}..."


def layer_of(path):
    """"include", a folder of src/, or None for files elsewhere."""
    parts = path.split("/")
    if parts[0] == "include":
        return "include"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def check_file(path, text):
    layer = layer_of(path)
    if path.endswith((".c", ".h", ".def")):
        if layer is not None and layer != "include" and layer not in LAYERS:
            yield 1, "layer", f"src/{layer} is no layer: add it to the table"
        elif layer is not None:
            yield from check_source(path, text, layer)
        yield from check_c(text)
    yield from check_text(text)


def files_of(root):
    for name in TEXT_FILES:
        if os.path.isfile(os.path.join(root, name)):
            yield name
    for folder in TEXT_FOLDERS:
        for where, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if f not in ("__pycache__", "fixtures", "corpus"))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(where, name), root)
                if not path.startswith("tests/lint/") and not name.endswith((".o", ".pyc")):
                    yield path


def main():
    root = sys.argv[1]
    offences = 0
    for path in files_of(root):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        for line, rule, what in check_file(path, text):
            print(f"{path}:{line}: {rule}: {what}")
            offences += 1
    sys.exit(1 if offences else 0)


if __name__ == "__main__":
    main()
