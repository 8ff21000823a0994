# Compiler and linker flags of every target. The reasons for the hardening flags are in docs/threat_model.md.
option(KEYHOLD_TESTS "Build the tests" ON)
option(KEYHOLD_BENCH "Build the benchmark programs" OFF)
option(KEYHOLD_FUZZ "Build the fuzz targets (clang only)" OFF)
set(KEYHOLD_SANITIZE "" CACHE STRING "Sanitizers: empty, address (with undefined behaviour) or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wformat=2 -Werror)
# Boost 1.81 and g++ 12 disagree about these two inside library headers.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict)
endif()

if(KEYHOLD_SANITIZE STREQUAL "")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|i.86")
    add_compile_options(-fcf-protection=full)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # clang 14 does not take it yet.
    add_compile_options(-ftrivial-auto-var-init=zero)
  endif()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
elseif(KEYHOLD_SANITIZE STREQUAL "address")
  set(keyhold_sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang 14's function sanitizer misreads coroutine frames.
    list(APPEND keyhold_sanitizers -fno-sanitize=function)
  endif()
elseif(KEYHOLD_SANITIZE STREQUAL "thread")
  set(keyhold_sanitizers -fsanitize=thread)
else()
  message(FATAL_ERROR "KEYHOLD_SANITIZE is '${KEYHOLD_SANITIZE}'; it may be empty, address or thread")
endif()
if(keyhold_sanitizers)
  # Not optimised: half of the time to compile, for tests that run a little longer.
  add_compile_options(${keyhold_sanitizers} -O0 -g1 -fno-omit-frame-pointer)
  add_link_options(${keyhold_sanitizers})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
endif()
