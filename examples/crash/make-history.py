#!/usr/bin/env python3
"""make-history.py DIR - makes DIR a git repository with the history of a small C program, always the same one.

The program is calc/ beside this script; the story below changes it step by step: 200 commits with merges, of which
one lets `calc` crash on long lines. Prints the id of that commit. Nothing of the user's git configuration is used.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST_DAY = 1614585600  # 2021-03-01 08:00 UTC
STEP = 7 * 3600 + 420   # between two commits
ANNA, BEN, CHO, DARA = (f"{name} <{name.split()[0].lower()}@example.org>"
                        for name in ("Anna Berg", "Ben Osei", "Cho Min-ji", "Dara Quinn"))
CULPRIT = "tokens: allocate the first block up front"


# ---- edits: each is a function that changes a tree, a dictionary from path to text -------------------------------

def add(path, text):
    def edit(tree):
        assert path not in tree, path
        tree[path] = text
    return edit


def replace(path, old, new):
    def edit(tree):
        assert tree[path].count(old) == 1, f"{path}: {tree[path].count(old)} places hold {old!r}"
        tree[path] = tree[path].replace(old, new)
    return edit


def before(path, anchor, text):
    return replace(path, anchor, text + anchor)


def append(path, text):
    def edit(tree):
        tree[path] += text
    return edit


def template(name):
    with open(os.path.join(HERE, "calc", name), encoding="ascii") as file:
        return file.read()


# ---- the history: a line of commits for each branch, written as a stream for `git fast-import` ---------------------

class Branch:
    def __init__(self, history, author, tip=None, tree=None):
        self.history, self.author, self.tip = history, author, tip
        self.tree = dict(tree or {})
        self.edits = []

    def commit(self, subject, *edits, body=""):
        old = dict(self.tree)
        for edit in edits:
            edit(self.tree)
        self.edits += edits
        self.tip = self.history.write(self.author, subject + "\n" + body, [self.tip], old, self.tree)

    def fork(self, author):
        return Branch(self.history, author, self.tip, self.tree)

    def merge(self, other, name):
        """The other branch's edits made again here: the same result as a merge without conflicts."""
        old = dict(self.tree)
        for edit in other.edits:
            edit(self.tree)
        self.edits += other.edits
        self.tip = self.history.write(self.author, f"Merge branch '{name}'\n", [self.tip, other.tip], old, self.tree)


class History:
    def __init__(self):
        self.stream = []
        self.commits = 0

    def write(self, author, message, parents, old, new):
        self.commits += 1
        who = f"{author} {FIRST_DAY + STEP * self.commits} +0100"
        self.stream += ["commit refs/heads/main", f"mark :{self.commits}", f"author {who}", f"committer {who}",
                        f"data {len(message)}", message]
        links = [f":{p}" for p in parents if p]
        self.stream += [f"{word} {link}" for word, link in zip(("from", "merge"), links)]
        for path in sorted(new):
            if old.get(path) != new[path]:
                mode = "100755" if path.endswith(".sh") else "100644"
                self.stream += [f"M {mode} inline {path}", f"data {len(new[path])}", new[path]]
        return self.commits

    def tag(self, name, branch):
        self.stream += [f"reset refs/tags/{name}", f"from :{branch.tip}", ""]


# ---- the story -----------------------------------------------------------------------------------------------------

TABLE_END, CONSTANTS_END = "\t{NULL, NULL},", "\t{NULL, 0},"
FUNCTION_TABLE = "static const struct {\n\tconst char *name;\n\tcalc_function"

# name, what the C library calls it, what it gives, an example and its value
ROOTS = [("sqrt", "sqrt", "square root", "sqrt(9)", "3"),
         ("cbrt", "cbrt", "cubic root", "cbrt(27)", "3"),
         ("abs", "fabs", "absolute value", "abs(-4)", "4")]
TRIG = [("sin", "sin", "sine of an angle in radians", "sin(0)", "0"),
        ("cos", "cos", "cosine", "cos(0)", "1"),
        ("tan", "tan", "tangent", "tan(0)", "0"),
        ("asin", "asin", "inverse of sin", "asin(1)", "1.570796327"),
        ("acos", "acos", "inverse of cos", "acos(1)", "0"),
        ("atan", "atan", "inverse of tan", "atan(0)", "0")]
HYPER = [("sinh", "sinh", "hyperbolic sine", "sinh(0)", "0"),
         ("cosh", "cosh", "hyperbolic cosine", "cosh(0)", "1"),
         ("tanh", "tanh", "hyperbolic tangent", "tanh(0)", "0"),
         ("asinh", "asinh", "inverse of sinh", "asinh(0)", "0"),
         ("acosh", "acosh", "inverse of cosh", "acosh(1)", "0"),
         ("atanh", "atanh", "inverse of tanh", "atanh(0)", "0")]
LOGS = [("exp", "exp", "e to the power of x", "exp(0)", "1"),
        ("ln", "log", "natural logarithm", "ln(1)", "0"),
        ("log10", "log10", "logarithm to the base of 10", "log10(1000)", "3"),
        ("log2", "log2", "logarithm to the base of 2", "log2(1024)", "10"),
        ("exp2", "exp2", "2 to the power of x", "exp2(10)", "1024"),
        ("log1p", "log1p", "ln(1 + x)", "log1p(0)", "0"),
        ("expm1", "expm1", "exp(x) - 1", "expm1(0)", "0")]
ROUND = [("floor", "floor", "next integer below", "floor(2.7)", "2"),
         ("ceil", "ceil", "next integer above", "ceil(2.2)", "3"),
         ("round", "round", "nearest integer", "round(2.5)", "3"),
         ("trunc", "trunc", "integer part", "trunc(2.9)", "2")]
SPECIAL = [("gamma", "tgamma", "gamma function", "gamma(5)", "24"),
           ("lgamma", "lgamma", "logarithm of gamma", "lgamma(1)", "0"),
           ("erf", "erf", "error function", "erf(0)", "0"),
           ("erfc", "erfc", "1 - erf(x)", "erfc(0)", "1")]

# the same for functions that calc brings itself: the C expression of x
OWN = [("sqr", "x * x", "square", "sqr(5)", "25"),
       ("cube", "x * x * x", "third power", "cube(3)", "27"),
       ("inv", "1 / x", "1 / x", "inv(4)", "0.25"),
       ("sign", "(x > 0) - (x < 0)", "-1, 0 or 1", "sign(-8)", "-1"),
       ("frac", "x - trunc(x)", "part after the point", "frac(2.5)", "0.5"),
       ("deg", "x * 57.295779513082323", "radians to degrees", "deg(0)", "0"),
       ("rad", "x * 0.017453292519943296", "degrees to radians", "rad(0)", "0"),
       ("fahrenheit", "x * 9 / 5 + 32", "degrees from Celsius", "fahrenheit(100)", "212"),
       ("celsius", "(x - 32) * 5 / 9", "degrees from Fahrenheit", "celsius(212)", "100"),
       ("kelvin", "x + 273.15", "kelvin from degrees Celsius", "kelvin(0)", "273.15")]

NUMBERS = [("pi", "3.14159265358979324", "circle over its diameter"), ("e", "2.71828182845904524", "base of ln"),
           ("tau", "6.28318530717958648", "circle over its radius"), ("phi", "1.61803398874989485", "golden ratio")]
UNITS = [("inch", "0.0254", "in metres"), ("foot", "0.3048", "in metres"), ("yard", "0.9144", "in metres"),
         ("mile", "1609.344", "in metres"), ("pound", "0.45359237", "in kilograms"),
         ("ounce", "0.028349523125", "in kilograms"), ("stone", "6.35029318", "in kilograms"),
         ("pint", "0.56826125", "in litres"), ("gallon", "4.54609", "in litres"), ("acre", "4046.8564224", "in m2"),
         ("knot", "0.514444444444444444", "in m/s"), ("hour", "3600", "in seconds"), ("day", "86400", "in seconds")]
PHYSICS = [("lightspeed", "299792458", "in m/s"), ("gravity", "9.80665", "in m/s2"),
           ("planck", "6.62607015e-34", "in Js"), ("boltzmann", "1.380649e-23", "in J/K"),
           ("avogadro", "6.02214076e23", "in 1/mol"), ("electron", "1.602176634e-19", "charge, in As"),
           ("atmosphere", "101325", "in Pa"), ("calorie", "4.184", "in J"),
           ("lightyear", "9460730472580800", "in m")]


def table_row(name, c_name):
    return before("funcs.c", TABLE_END, f"\t{{\"{name}\", {c_name}}},\n")


def own_function(name, expression):
    return before("funcs.c", FUNCTION_TABLE,
                  f"static double calc_{name}(double x)\n{{\n\treturn {expression};\n}}\n\n")


def add_function(branch, name, c_name):
    branch.commit(f"funcs: add {name}", table_row(name, c_name))


def add_own(branch, name, expression):
    branch.commit(f"funcs: add {name}", own_function(name, expression), table_row(name, f"calc_{name}"))


def check(branch, name, example, value):
    branch.commit(f"tests: check {name}", append("tests/cases.txt", f"{example}={value}\n"))


def describe(branch, name, text):
    branch.commit(f"doc: describe {name}", before("README.txt", "\nConstants:", f"    {name}(x)\t{text}\n"))


def constant(branch, name, value, text):
    branch.commit(f"funcs: the constant {name}", before("funcs.c", CONSTANTS_END, f"\t{{\"{name}\", {value}}},\n"),
                  before("README.txt", "\nErrors", f"    {name}\t{text}\n"))


def library(branch, functions):
    for name, c_name, _, example, value in functions:
        add_function(branch, name, c_name)
        check(branch, name, example, value)


def first_release(main):
    main.commit("calc: evaluate sums and products", *(add(f, template(f)) for f in (
        "Makefile", "calc.h", "main.c", "tokens.c", "parse.c", "funcs.c")))
    main.commit("build: leave the products out of git", add(".gitignore", template("gitignore")))
    main.commit("doc: what calc is", add("README.txt", template("README.txt")))
    main.commit("tests: expressions and their values", *(add(f, template(f)) for f in (
        "tests/cases.sh", "tests/cases.txt")))
    library(main, ROOTS)
    for number in NUMBERS[:2]:
        constant(main, *number)


def towards_blocks(main):
    """Everyday work on two branches and beside them."""
    trig, hyper = main.fork(BEN), main.fork(CHO)
    library(trig, TRIG)
    for name, _, text, _, _ in ROOTS:
        describe(main, name, text)
    main.commit("main: say which line an error is in",
                replace("main.c", "answer(const char *line)", "answer(const char *line, int number)"),
                replace("main.c", "\"calc: %s\\n\", error", "\"calc: line %d: %s\\n\", number, error"),
                replace("main.c", "int failed = 0;", "int failed = 0, number = 0;"),
                replace("main.c", "\t\tline[strcspn", "\t\tnumber++;\n\t\tline[strcspn"),
                replace("main.c", "answer(line)", "answer(line, number)"),
                replace("tests/cases.txt", "calc: a value", "calc: line 1: a value"),
                replace("tests/cases.txt", "calc: a closing", "calc: line 1: a closing"))
    for number in NUMBERS[2:]:
        constant(main, *number)
    main.merge(trig, "trigonometry")
    for name, _, text, _, _ in TRIG:
        describe(main, name, text)
    library(hyper, HYPER)
    numbers = main.fork(DARA)
    numbers.commit("tokens: numbers may begin with a point",
                   replace("tokens.c", "isdigit((unsigned char)at[0]))",
                           "isdigit((unsigned char)at[0]) || (at[0] == '.' && isdigit((unsigned char)at[1])))"))
    numbers.commit("tests: numbers that begin with a point", append("tests/cases.txt", ".5 + .25=0.75\n"))
    main.merge(hyper, "hyperbolic")
    for unit in UNITS[:6]:
        constant(main, *unit)
    main.merge(numbers, "numbers")
    for name, _, text, _, _ in HYPER:
        describe(main, name, text)
    for name, value, _ in UNITS[:6]:
        check(main, name, name, f"{float(value):.10g}")


def token_blocks(blocks):
    """Small changes to the token list; one of them is wrong for lines of more than a block."""
    blocks.commit("calc.h: say how long a line may be",
                  replace("calc.h", "are added. */", "are added;\n * a line has at most BLOCK * MAX_BLOCKS. */"))
    blocks.commit("tokens: a line that is too long says how much it may hold",
                  replace("tokens.c", "error = \"the line is too long", "error = \"the line holds more than 4096 tokens"))
    blocks.commit("tests: a line of some twenty tokens", append("tests/cases.txt", "+".join(["1"] * 12) + "=12\n"))
    blocks.commit(CULPRIT,
                  replace("tokens.c", "\tmemset(t, 0, sizeof(*t));",
                          "\tmemset(t, 0, sizeof(*t));\n\tt->block[0] = new_block();\n\tt->nblock = 1;"),
                  replace("tokens.c", "if (block >= t->nblock)", "if (block > t->nblock)"),
                  body="\nEvery line has a token at least, so the first block need not wait for it.\n")
    blocks.commit("tokens: free the newest block first",
                  replace("tokens.c", "for (size_t i = 0; i < t->nblock; i++)\n\t\tfree(t->block[i]);",
                          "while (t->nblock > 0)\n\t\tfree(t->block[--t->nblock]);"))
    blocks.commit("tests: spaces around a line", append("tests/cases.txt", "   4   =4\n"))


def error_columns(main):
    """A change in two halves: between them nothing builds."""
    main.commit("parse: tell the column of an error",
                replace("calc.h", "double *value, const char **error);", "double *value, const char **error, int *column);"),
                replace("parse.c", "double *value, const char **error)", "double *value, const char **error, int *column)"),
                replace("parse.c", "\t\t*value = sum(&p);", "\t\t*value = sum(&p);\n\t\t*column = peek(&p)->column;"))
    for unit in UNITS[6:]:
        constant(main, *unit)
    for name, _, text, _, _ in LOGS[:6]:
        describe(main, name, text)
    main.commit("main: show the column of an error",
                replace("main.c", "double value;", "double value;\n\tint column = 1;"),
                replace("main.c", "&value, &error)", "&value, &error, &column)"),
                replace("main.c", "line %d: %s\\n\", number, error", "%d:%d: %s\\n\", number, column, error"),
                replace("tests/cases.txt", "calc: line 1: a value", "calc: 1:4: a value"),
                replace("tests/cases.txt", "calc: line 1: a closing", "calc: 1:3: a closing"))


def operators(branch):
    branch.commit("parse: the operator ^",
                  replace("tokens.c", "\"+-*/()\"", "\"+-*/^()\""),
                  replace("parse.c", "static double product(struct parser *p)\n{\n\tdouble value = primary(p);",
                          "static double power(struct parser *p)\n{\n\tdouble value = primary(p);\n\n"
                          "\treturn accept(p, '^') ? pow(value, primary(p)) : value;\n}\n\n"
                          "static double product(struct parser *p)\n{\n\tdouble value = power(p);"),
                  replace("parse.c", "value *= primary(p)", "value *= power(p)"),
                  replace("parse.c", "value /= primary(p)", "value /= power(p)"))
    branch.commit("tests: powers", append("tests/cases.txt", "2 ^ 10=1024\n3 * 2 ^ 2=12\n"))
    branch.commit("doc: the operator ^", replace("README.txt", "+ - * / and", "+ - * / ^ and"))
    branch.commit("parse: a division by zero is an error",
                  replace("parse.c", "\t\t\tvalue /= power(p);",
                          "\t\t\tvalue /= divisor(p);"),
                  before("parse.c", "static double product(",
                         "static double divisor(struct parser *p)\n{\n\tdouble value = power(p);\n\n"
                         "\treturn value == 0 ? fail(p, \"a division by zero\") : value;\n}\n\n"))
    branch.commit("tests: a division by zero", append("tests/cases.txt", "1 / 0=calc: 1:6: a division by zero\n"))


def after_the_crash(main, logs):
    library(logs, LOGS[3:])
    rounding, special, operator = main.fork(CHO), main.fork(DARA), main.fork(ANNA)
    main.merge(logs, "logarithms")
    library(rounding, ROUND)
    library(special, SPECIAL)
    operators(operator)
    for name, _, text, _, _ in LOGS[6:]:
        describe(main, name, text)
    main.merge(rounding, "rounding")
    main.merge(operator, "operators")
    for name, _, text, _, _ in ROUND:
        describe(main, name, text)
    main.merge(special, "special")
    names = main.fork(BEN)
    names.commit("tokens: names may hold underscores",
                 replace("tokens.c", "while (isalnum((unsigned char)at[n]))",
                         "while (isalnum((unsigned char)at[n]) || at[n] == '_')"))
    names.commit("tests: an unknown name", append("tests/cases.txt", "no_such=calc: 1:8: unknown name\n"))
    for name, _, text, _, _ in SPECIAL:
        describe(main, name, text)
    main.merge(names, "names")


def last_part(main):
    """Somebody reports the crash and writes a test that shows it, long after it came."""
    own, physics = main.fork(CHO), main.fork(BEN)
    for name, expression, _, example, value in OWN:
        add_own(own, name, expression)
        check(own, name, example, value)
    for item in PHYSICS:
        constant(physics, *item)
    main.commit("tests: a long sum", add("tests/check.sh", template("tests/check.sh")))
    comments = main.fork(DARA)
    comments.commit("main: a # begins a comment", replace("main.c", "strcspn(line, \"\\n\")", "strcspn(line, \"#\\n\")"))
    comments.commit("tests: a comment", append("tests/cases.txt", "6 # half a dozen=6\n"))
    comments.commit("doc: comments", before("README.txt", "\nFunctions:", "A # begins a comment.\n"))
    main.merge(own, "own-functions")
    for name, value, _ in UNITS[6:]:
        check(main, name, name, f"{float(value):.10g}")
    main.merge(physics, "physics")
    for name, _, text, _, _ in OWN:
        describe(main, name, text)
    main.merge(comments, "comments")
    main.commit("build: an install target",
                before("Makefile", "clean:", "install: calc\n\tinstall -D calc $(DESTDIR)/usr/local/bin/calc\n\n"),
                replace("Makefile", ".PHONY: check", ".PHONY: check install"))
    main.commit("doc: how to install", append("README.txt", "\n`make install` copies calc to /usr/local/bin.\n"))
    main.commit("main: refuse arguments",
                replace("main.c", "int main(void)", "int main(int argc, char **argv)"),
                before("main.c", "\twhile (fgets", "\t(void)argv;\n\tif (argc > 1) {\n"
                       "\t\tfputs(\"usage: calc <FILE\\n\", stderr);\n\t\treturn 2;\n\t}\n"))


def tell():
    history = History()
    main = Branch(history, ANNA)
    first_release(main)
    history.tag("v1.0", main)
    towards_blocks(main)
    blocks, logs = main.fork(BEN), main.fork(DARA)
    library(logs, LOGS[:3])
    token_blocks(blocks)
    error_columns(main)
    main.merge(blocks, "token-blocks")
    after_the_crash(main, logs)
    last_part(main)
    return history


# ---- the repository ------------------------------------------------------------------------------------------------

def git(directory, *arguments, data=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull, HOME=os.devnull, LC_ALL="C")
    done = subprocess.run(["git", *arguments], cwd=directory, env=environment, input=data, check=True,
                          stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: make-history.py DIR (which must not exist)")
    directory = sys.argv[1]
    history = tell()
    assert history.commits == 200, history.commits
    os.makedirs(directory)
    git(directory, "init", "-q", "-b", "main")
    git(directory, "config", "user.name", "Anna Berg")
    git(directory, "config", "user.email", "anna@example.org")
    git(directory, "fast-import", "--quiet", data="\n".join(history.stream + ["done\n"]).encode("ascii"))
    git(directory, "reset", "-q", "--hard", "main")
    print(git(directory, "log", "--format=%H", "--fixed-strings", "--grep", CULPRIT))


if __name__ == "__main__":
    main()
