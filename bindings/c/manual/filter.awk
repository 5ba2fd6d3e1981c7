# Reads lovely_session.h as Doxygen wants it: parameters, result and the closing facts of a docstring become its commands, and
# names in backticks become links, so that one that is not there is a warning. The top comment becomes the first page.
#
# A docstring is held back until its declaration is read, which tells whether there is an `err` to speak of.

function link(line) {
    # Several names may stand in one line; gensub is not in every awk.
    while (match(line, /`(ls|LS)_[A-Za-z0-9_]+`/)) {
        name = substr(line, RSTART + 1, RLENGTH - 2)
        # A group of names, LS_FAULT_OP_..., has no page of its own.
        line = substr(line, 1, RSTART - 1) "#" name substr(line, RSTART + RLENGTH)
    }
    return line
}

function flush_docstring(   i, line, has_err) {
    has_err = declaration ~ /ls_error \*err\)/
    for (i = 1; i <= lines; i++) {
        line = docstring[i]
        if (line ~ /^ *\* (Returns |Ownership:)/ && has_err) {
            print " * @param err where the detail of a failure goes; may be NULL"
            has_err = 0
        }
        if (match(line, /^ \* `[a-z_0-9]+`(, `[a-z_0-9]+`)*: /)) {
            names = substr(line, 4, RLENGTH - 5)
            gsub(/[` ]/, "", names)
            line = " * @param " names " " substr(line, RLENGTH + 1)
        }
        sub(/^ \* Returns /, " * @return ", line)
        sub(/^ \* Ownership: /, " * @par Ownership\n * ", line)
        if (line ~ /^ \* I\/O: /) {
            sub(/^ \* I\/O: /, " * @par I/O\n * ", line)
            sub(/ Threads: /, "\n * @par Threads\n * ", line)
            sub(/ Since: /, "\n * @since ", line)
        }
        print link(line)
    }
    printf "%s", declaration
    lines = 0
    declaration = ""
    state = "code"
}

BEGIN { state = "top" }

# The conventions: headings are the lines that are not indented.
state == "top" {
    if ($0 == "/*") { print "/** @file\n * @brief The C functions.\n */\n/**\n * @mainpage\n * The classes of C++ and the short forms of C have <a href=\"cpp/index.html\">a manual of their own</a>."; next }
    if ($0 == " */") { print; state = "code"; next }
    if ($0 ~ /^ \* [A-Z][A-Za-z\/ ]*$/) {
        title = substr($0, 4)
        is_program = title == "A first program"
        $0 = " *\n * ## " title
    } else if (!is_program) {
        sub(/^ \*     /, " * ")
    }
    print
    next
}

state == "code" && /^ *\/\*\*$/ { state = "docstring" }
state == "docstring" {
    docstring[++lines] = $0
    if ($0 ~ /\*\/$/) state = "declaration"
    next
}
state == "declaration" {
    declaration = declaration $0 "\n"
    if ($0 ~ /[;{]$/ || $0 ~ /^#/ || $0 ~ /= -?[0-9]+,$/) flush_docstring()
    next
}
{ print }
