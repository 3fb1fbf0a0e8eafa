# SPDX-License-Identifier: MIT
# Puts files into the binary as constant tables; included by CMakeLists.txt, and run with -P to write one table.
#
# embed(target symbol files...) makes the static library `target` with
# `symbol[]` and `symbol_count`, declared in core/base/embed.h. Any bytes will do.

if(CMAKE_SCRIPT_MODE_FILE)
  # cmake -DSYMBOL=… -DOUT=… -DLIST=file with one path a line -P embed.cmake
  file(STRINGS "${LIST}" paths ENCODING UTF-8)
  set(data "")
  set(table "")
  set(count 0)
  foreach(path IN LISTS paths)
    get_filename_component(name "${path}" NAME)
    file(READ "${path}" hex HEX)
    string(LENGTH "${hex}" len)
    math(EXPR len "${len} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    # 16 bytes (80 characters) a line
    string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
    string(APPEND data "static const unsigned char file_${count}[] = {\n${bytes}0};\n")
    string(APPEND table "    {\"${name}\", (const char *)file_${count}, ${len}},\n")
    math(EXPR count "${count} + 1")
  endforeach()
  file(WRITE "${OUT}"
    "// SPDX-License-Identifier: MIT\n// Written by cmake/embed.cmake; do not edit.\n#include \"base/embed.h\"\n\n"
    "${data}\nconst struct embedded_file ${SYMBOL}[] = {\n${table}    {NULL, NULL, 0},\n};\n"
    "const size_t ${SYMBOL}_count = ${count};\n")
  return()
endif()

set(EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(embed target symbol)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}.c")
  set(list "${CMAKE_CURRENT_BINARY_DIR}/embed/${symbol}.list")
  set(files ${ARGN})
  list(SORT files)
  list(JOIN files "\n" lines)
  file(CONFIGURE OUTPUT "${list}" CONTENT "${lines}\n" @ONLY)
  add_custom_command(
    OUTPUT "${out}"
    COMMAND "${CMAKE_COMMAND}" -DSYMBOL=${symbol} "-DOUT=${out}" "-DLIST=${list}" -P "${EMBED_SCRIPT}"
    DEPENDS ${files} "${list}" "${EMBED_SCRIPT}"
    COMMENT "Embedding ${symbol}"
    VERBATIM)
  add_library(${target} STATIC "${out}")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/core")
  target_link_libraries(${target} PRIVATE grapnel_flags)
endfunction()
