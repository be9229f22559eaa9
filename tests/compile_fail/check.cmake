# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# cmake -D COMPILER=c++ -D INCLUDE=dir -D BOOST=dir -D SHARED=file -P check.cmake file.cpp
# SHARED is a header that is included first; it may be compiled already. With BROKEN_ONLY, the right version is left
# to another compiler.
# The file holds a line `// expect: SENTENCE` and two versions of one mistake: with RIGHT defined it must compile,
# without it must not, and the first error must be that sentence: the first is the one that people read.
math(EXPR last "${CMAKE_ARGC} - 1")
set(file "${CMAKE_ARGV${last}}")

function(fail)
    message("${file}: ${ARGN}") # as it is; an error would be wrapped
    message(FATAL_ERROR "check failed")
endfunction()

file(STRINGS "${file}" expect REGEX "^// expect: " LIMIT_COUNT 1)
string(REPLACE "// expect: " "" expect "${expect}")
if(expect STREQUAL "")
    fail("no line `// expect: ...`")
endif()

set(compile "${COMPILER}" -std=c++20 -fsyntax-only "-I${INCLUDE}" -isystem "${BOOST}" -include "${SHARED}"
    "${file}")
if(NOT BROKEN_ONLY)
    execute_process(COMMAND ${compile} -DRIGHT RESULT_VARIABLE result ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        fail("the right version does not compile:\n${output}")
    endif()
endif()
execute_process(COMMAND ${compile} RESULT_VARIABLE result ERROR_VARIABLE output)
if(result EQUAL 0)
    fail("the broken version compiles")
endif()
string(REGEX MATCH "[^\n]*error: [^\n]*" first "${output}")
string(FIND "${first}" "${expect}" at)
if(at EQUAL -1)
    fail("the first error is another than\n${expect}\n${output}")
endif()
