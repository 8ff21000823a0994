# keyhold_library(base SOURCES a.cc b.cc DEPENDS crypto ...)    one library a folder: keyhold_base
# keyhold_test(base SOURCES a_test.cc ... DEPENDS ...)          one test program a folder: base_test
#
# PRECOMPILE names headers of the project that most of a target's files include. Tests and sanitized libraries have theirs
# compiled once for all; the product's libraries do not, so that a file there that forgets an include fails to compile.
set(KEYHOLD_PCH <string> <string_view> <vector> <memory> <functional> <optional> <map> <unordered_map> <mutex>)

function(keyhold_precompile target)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/src/ REGEX "^[^<]")
  target_precompile_headers(${target} PRIVATE ${ARGN})
endfunction()

function(keyhold_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES;PRECOMPILE" ${ARGN})
  add_library(keyhold_${name} STATIC ${arg_SOURCES})
  target_include_directories(keyhold_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPENDS PREPEND keyhold_)
  target_link_libraries(keyhold_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES} Threads::Threads)
  if(KEYHOLD_FUZZ)
    target_compile_options(keyhold_${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(KEYHOLD_SANITIZE)
    keyhold_precompile(keyhold_${name} ${KEYHOLD_PCH} ${arg_PRECOMPILE})
  endif()
endfunction()

function(keyhold_test name)
  if(NOT KEYHOLD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES;PRECOMPILE" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND keyhold_)
  target_link_libraries(${name}_test PRIVATE ${arg_DEPENDS} ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  keyhold_precompile(${name}_test <gtest/gtest.h> <gmock/gmock.h> ${KEYHOLD_PCH} ${arg_PRECOMPILE})
  add_test(NAME ${name}_test COMMAND ${name}_test)
endfunction()
