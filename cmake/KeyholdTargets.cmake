# keyhold_library(base SOURCES a.cc b.cc DEPENDS crypto ...)    one library a folder: keyhold_base
# keyhold_test(base SOURCES a_test.cc ... DEPENDS ...)          one test program a folder: base_test
set(KEYHOLD_PCH <string> <string_view> <vector> <memory> <functional> <optional> <map> <unordered_map> <mutex>)

function(keyhold_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_library(keyhold_${name} STATIC ${arg_SOURCES})
  target_include_directories(keyhold_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPENDS PREPEND keyhold_)
  target_link_libraries(keyhold_${name} PUBLIC ${arg_DEPENDS} ${arg_LIBRARIES} Threads::Threads)
endfunction()

function(keyhold_test name)
  if(NOT KEYHOLD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES" ${ARGN})
  add_executable(${name}_test ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND keyhold_)
  target_link_libraries(${name}_test PRIVATE ${arg_DEPENDS} ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name}_test PRIVATE <gtest/gtest.h> <gmock/gmock.h> ${KEYHOLD_PCH})
  add_test(NAME ${name}_test COMMAND ${name}_test)
endfunction()
