"""Rewrites a C++ source file so that it contains all its mutants, each behind a switch of mutant.h.

Clang's parser finds the expressions: libclang, of Debian's python3-clang-14. Left as they are: macros, constant
expressions, case labels, namespace-scope initializers and template arguments. A use of a constexpr constant of this
repository is a place of a mutant, the same one for all its uses.
"""

import dataclasses
import pathlib
import re

from clang.cindex import CursorKind, Index, TranslationUnit, TypeKind

COMPARISONS = {"<": ("Less", "<=", ">="), "<=": ("LessEqual", "<", ">"), ">": ("Greater", ">=", "<="),
               ">=": ("GreaterEqual", ">", "<"), "==": ("Equal", "!="), "!=": ("NotEqual", "==")}
ARITHMETIC = {"+": ("Plus", "-"), "-": ("Minus", "+"), "*": ("Times", "/"), "/": ("Divided", "*"), "%": ("Modulo", "*")}
ASSIGNMENTS = {"+=": ("PlusAssign", "-="), "-=": ("MinusAssign", "+="), "*=": ("TimesAssign", "/="),
               "/=": ("DividedAssign", "*=")}
CALLS = {"std::min(": ("Min", "std::max"), "std::max(": ("Max", "std::min"), "std::floor(": ("Floor", "std::ceil"),
         "std::ceil(": ("Ceil", "std::floor")}
FUNCTIONS = {CursorKind.FUNCTION_DECL, CursorKind.CXX_METHOD, CursorKind.FUNCTION_TEMPLATE, CursorKind.CONSTRUCTOR,
             CursorKind.DESTRUCTOR, CursorKind.CONVERSION_FUNCTION}
LOOPS = {CursorKind.FOR_STMT, CursorKind.WHILE_STMT, CursorKind.DO_STMT, CursorKind.CXX_FOR_RANGE_STMT}
SKIPPED = {CursorKind.STATIC_ASSERT, CursorKind.ENUM_DECL, CursorKind.TEMPLATE_NON_TYPE_PARAMETER,
           CursorKind.TEMPLATE_TYPE_PARAMETER, CursorKind.CXX_BASE_SPECIFIER}
INTEGERS = {TypeKind.CHAR_U, TypeKind.UCHAR, TypeKind.USHORT, TypeKind.UINT, TypeKind.ULONG, TypeKind.ULONGLONG,
            TypeKind.CHAR_S, TypeKind.SCHAR, TypeKind.SHORT, TypeKind.INT, TypeKind.LONG, TypeKind.LONGLONG}
FLOATS = {TypeKind.FLOAT, TypeKind.DOUBLE, TypeKind.LONGDOUBLE}
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclasses.dataclass
class Mutant:
    number: int
    file: str
    line: int
    last_line: int
    text: str  # the line, without spaces around it: names the place across edits elsewhere
    change: str


class Source:
    """One file. `numbers` gives the next number; no mutant lies within one of the `left_out` ranges of lines."""

    def __init__(self, root, path, arguments, numbers, left_out):
        self.path, self.numbers, self.left_out = path, numbers, left_out
        self.constants = {}  # the number of each constexpr constant
        self.root = str(root)
        self.bytes = (root / path).read_bytes()
        self.lines = self.bytes.decode().split("\n")
        self.edits = []  # (offset, order, length replaced, text)
        self.mutants = []
        self.done = set()
        unit = Index.create().parse(str(root / path), arguments,
                                    options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        errors = [str(d) for d in unit.diagnostics if d.severity >= 3]
        if errors:
            raise RuntimeError(f"{path}: {errors[0]}")
        self.file = str(root / path)
        top = [c for c in unit.cursor.get_children() if c.location.file and c.location.file.name == self.file]
        self.macros = [(c.extent.start.offset, c.extent.end.offset) for c in top
                       if c.kind == CursorKind.MACRO_INSTANTIATION]
        for cursor in top:
            if not cursor.kind.is_preprocessing():
                self.visit(cursor, None, True, False)

    def rewritten(self):
        parts, at = [], 0
        for offset, _, length, text in sorted(self.edits):
            parts += [self.bytes[at:offset], text.encode()]
            at = offset + length
        return (f'#include "tests/mutation/mutant.h"\n#line 1 "{self.path}"\n'.encode() + b"".join(parts) +
                self.bytes[at:])

    def slice(self, start, end):
        return COMMENT.sub("", self.bytes[start:end].decode()).strip()

    def new(self, cursor, change, key=None):
        """A number for a mutant at the cursor; 0 if this one is left out because it does not compile."""
        line, last = cursor.extent.start.line, cursor.extent.end.line
        text = self.lines[line - 1].strip()
        if any(a <= line and last <= b for a, b in self.left_out):
            return 0
        if key and key in self.constants:
            return self.constants[key]
        number = next(self.numbers)
        if key:
            self.constants[key] = number
        self.mutants.append(Mutant(number, self.path, line, last, text, change))
        return number

    def wrap(self, cursor, before, after):
        """Outer wraps enclose inner ones: the longer expression opens first and closes last."""
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        depth = len(self.edits)
        self.edits.append((start, (1, -(end - start), depth), 0, before))
        self.edits.append((end, (0, end - start, -depth), 0, after))

    def replace(self, start, end, text):
        self.edits.append((start, (2, 0, 0), end - start, text))

    def in_macro(self, start, end):
        return any(a < end and start < b for a, b in self.macros)

    def tokens_before(self, cursor, end):
        return re.findall(r"\w+", self.slice(cursor.extent.start.offset, end))

    def visit(self, cursor, parent, outside, in_loop):
        """`outside`: not in a function. `in_loop`: a break leaves a loop, not a switch."""
        kind = cursor.kind
        if kind in SKIPPED:
            return
        children = list(cursor.get_children())
        if kind in FUNCTIONS or kind == CursorKind.LAMBDA_EXPR:
            body = [c for c in children if c.kind == CursorKind.COMPOUND_STMT]
            begin = body[-1].extent.start.offset if body else cursor.extent.end.offset
            if {"constexpr", "consteval"} & set(self.tokens_before(cursor, begin)):
                return
            # Default arguments and the types of parameters stay. Constructors' initializers are expressions.
            for child in children:
                if child in body[-1:] or child.kind.is_expression() and kind == CursorKind.CONSTRUCTOR:
                    self.visit(child, cursor, False, False)
            return
        if kind in (CursorKind.VAR_DECL, CursorKind.FIELD_DECL):
            first = parent if parent and parent.kind == CursorKind.DECL_STMT else cursor
            if "constexpr" in self.tokens_before(first, cursor.location.offset):
                return
            # What stands before the name is the type.
            children = [c for c in children if c.extent.start.offset >= cursor.location.offset]
        if kind == CursorKind.CASE_STMT:
            children = children[1:]
        if kind == CursorKind.IF_STMT and self.bytes[cursor.extent.start.offset:].startswith(b"if constexpr"):
            children = children[1:]
        if not outside:
            self.mutate(cursor, parent, children, in_loop)
        if kind == CursorKind.DECL_REF_EXPR:
            return  # template arguments
        if kind in LOOPS:
            in_loop = True
        elif kind == CursorKind.SWITCH_STMT:
            in_loop = False
        for child in children:
            self.visit(child, cursor, outside, in_loop)

    def mutate(self, cursor, parent, children, in_loop):
        start, end = cursor.extent.start.offset, cursor.extent.end.offset
        if cursor.extent.start.file is None or cursor.extent.start.file.name != self.file or start >= end:
            return
        self.statement(cursor, parent, in_loop)
        if self.in_macro(start, end):
            return
        if cursor.kind in (CursorKind.IF_STMT, CursorKind.CONDITIONAL_OPERATOR):
            self.condition(cursor, children)
        if not cursor.kind.is_expression() or (start, end, "expression") in self.done:
            return
        text = self.bytes[start:end].decode()
        if self.expression(cursor, parent, children, text, start, end):
            self.done.add((start, end, "expression"))

    def statement(self, cursor, parent, in_loop):
        kind = cursor.kind
        start = cursor.extent.start.offset
        if parent is None or (start, "statement") in self.done:
            return
        if parent.kind == CursorKind.COMPOUND_STMT:
            pass
        elif parent.kind in LOOPS or parent.kind == CursorKind.IF_STMT:
            # A body ends with a semicolon; conditions and initial statements are followed by others.
            if list(parent.get_children())[0] == cursor or not self.is_body(cursor, parent):
                return
        else:
            return
        if kind == CursorKind.CONTINUE_STMT:
            change = "continue removed"
        elif kind == CursorKind.BREAK_STMT and in_loop:
            change = "break removed"
        elif kind == CursorKind.RETURN_STMT and not list(cursor.get_children()):
            change = "return removed"
        elif kind.is_expression():
            change = "statement removed"
        else:
            return
        self.done.add((start, "statement"))
        if number := self.new(cursor, change):
            self.edits.append((start, (1, -(1 << 30), 0), 0, f"if (::mutant::On({number})) {{}} else "))

    def is_body(self, cursor, parent):
        """Whether the statement is the body of a loop or a branch, not in the parentheses."""
        before = self.slice(parent.extent.start.offset, cursor.extent.start.offset)
        return before.count("(") == before.count(")")

    def condition(self, cursor, children):
        expressions = [c for c in children if c.kind.is_expression()]
        if not expressions or children[0].kind == CursorKind.DECL_STMT and len(children) < 3:
            return
        condition = expressions[0]
        if cursor.kind == CursorKind.IF_STMT and self.is_body(condition, cursor):
            return
        if children[0].kind == CursorKind.VAR_DECL:
            return
        start, end = condition.extent.start.offset, condition.extent.end.offset
        text = self.bytes[start:end].decode()
        if re.match(r"!(?!=)", text) or self.operator(condition)[0] in {*COMPARISONS, "&&", "||", "="}:
            return
        if (start, end, "condition") in self.done or condition.kind == CursorKind.CXX_BOOL_LITERAL_EXPR:
            return
        self.done.add((start, end, "condition"))
        if number := self.new(condition, "condition negated"):
            self.wrap(condition, f"(::mutant::On({number}) != static_cast<bool>(", "))")

    def operator(self, cursor):
        """The operator of a binary expression, built in or overloaded, its operands and its place."""
        children = [c for c in cursor.get_children() if c.extent.start.offset < c.extent.end.offset]
        if cursor.kind in (CursorKind.PAREN_EXPR, CursorKind.LAMBDA_EXPR) or len(children) < 2:
            if cursor.kind == CursorKind.UNEXPOSED_EXPR and len(children) == 1 and \
                    children[0].extent == cursor.extent:
                return self.operator(children[0])
            return ("", None, None, 0, 0)
        left, right = children[0], children[-1]
        begin, end = left.extent.end.offset, right.extent.start.offset
        whole = cursor.extent
        if left.extent.start.offset != whole.start.offset or right.extent.end.offset != whole.end.offset:
            return ("", None, None, 0, 0)
        return (self.slice(begin, end), left, right, begin, end)

    def expression(self, cursor, parent, children, text, start, end):
        kind = cursor.kind
        if kind == CursorKind.INTEGER_LITERAL:
            # A subscript beyond the end is undefined: it may be noticed or not.
            if not re.fullmatch(r"[\d']+", text) or self.bytes[start - 1:start] + self.bytes[end:end + 1] == b"[]":
                return False
            value = int(text.replace("'", ""))
            if number := self.new(cursor, f"{text} to {value + 1}"):
                less = self.new(cursor, f"{text} to {value - 1}") if value else 0
                self.wrap(cursor, f"::mutant::Integer({number}, {less}, ", ")")
            return True
        if kind == CursorKind.FLOATING_LITERAL and re.fullmatch(r"[\d.']+(e[-+]?\d+)?", text):
            if number := self.new(cursor, f"{text} doubled"):
                self.wrap(cursor, f"::mutant::Doubled({number}, ", ")")
            return True
        if kind == CursorKind.CXX_BOOL_LITERAL_EXPR and text in ("true", "false"):
            if number := self.new(cursor, f"{text} to {'false' if text == 'true' else 'true'}"):
                self.wrap(cursor, f"(::mutant::On({number}) != ", ")")
            return True
        if kind == CursorKind.DECL_REF_EXPR:
            return self.constant(cursor, text)
        if kind == CursorKind.UNARY_OPERATOR and re.match(r"!(?!=)", text):
            if number := self.new(cursor, "! removed"):
                self.wrap(cursor, f"(::mutant::On({number}) != ", ")")
            return True
        for call, (name, other) in CALLS.items():
            if kind == CursorKind.CALL_EXPR and text.startswith(call) and cursor.spelling == call[5:-1]:
                if number := self.new(cursor, f"{call[:-1]} to {other}"):
                    self.replace(start, start + len(call), f"::mutant::{name}({number}, ")
                return True
        operator, left, right, begin, finish = self.operator(cursor)
        if operator in COMPARISONS:
            name, *others = COMPARISONS[operator]
            numbers = [self.new(cursor, f"{operator} to {other}") for other in others]
            if all(numbers):
                self.wrap(cursor, f"::mutant::{name}({', '.join(map(str, numbers))}, ", ")")
                self.replace(begin, finish, self.spaced(begin, finish, ","))
            return True
        if operator in ("&&", "||") and left.type.get_canonical().kind != TypeKind.DEPENDENT:
            for side, operand in (("left", left), ("right", right)):
                if number := self.new(cursor, f"{side} side of {operator} removed"):
                    before = f"(::mutant::On({number}) || (" if operator == "&&" else f"(!::mutant::On({number}) && ("
                    self.wrap(operand, before, "))")
            return True
        if operator in ARITHMETIC and self.numeric(left) and self.numeric(right):
            name, other = ARITHMETIC[operator]
            if number := self.new(cursor, f"{operator} to {other}"):
                self.wrap(cursor, f"::mutant::{name}({number}, ", ")")
                self.replace(begin, finish, self.spaced(begin, finish, ","))
            return True
        if operator in ASSIGNMENTS and self.numeric(left) and self.numeric(right):
            name, other = ASSIGNMENTS[operator]
            if number := self.new(cursor, f"{operator} to {other}"):
                self.wrap(cursor, f"::mutant::{name}({number}, ", ")")
                self.replace(begin, finish, self.spaced(begin, finish, ","))
            return True
        return False

    def spaced(self, begin, end, text):
        """As many line ends as before: errors of the compiler keep their lines."""
        return text + "\n" * self.bytes[begin:end].count(b"\n") + " "

    def constant(self, cursor, text):
        declaration = cursor.referenced
        if declaration is None or declaration.kind != CursorKind.VAR_DECL or not declaration.location.file:
            return False
        name = declaration.location.file.name
        if not name.startswith(self.root) or not re.fullmatch(r"(\w+::)*k[A-Z]\w*", text):
            return False
        kind = declaration.type.get_canonical().kind
        duration = "chrono::duration" in declaration.type.get_canonical().spelling
        if kind not in INTEGERS | FLOATS and not (duration and kind == TypeKind.RECORD):
            return False
        key = declaration.get_usr()
        if kind in INTEGERS:
            if number := self.new(cursor, f"{declaration.spelling} + 1", key):
                less = self.new(cursor, f"{declaration.spelling} - 1", key + "-")
                self.wrap(cursor, f"::mutant::Integer({number}, {less}, ", ")")
        elif number := self.new(cursor, f"{declaration.spelling} doubled", key):
            self.wrap(cursor, f"::mutant::Doubled({number}, ", ")")
        return True

    @staticmethod
    def numeric(cursor):
        canonical = cursor.type.get_canonical()
        return canonical.kind in INTEGERS | FLOATS or "chrono::duration" in canonical.spelling or \
            "chrono::time_point" in canonical.spelling
