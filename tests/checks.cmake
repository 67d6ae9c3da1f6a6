# Checks that are not C++ tests. Without a label: quick. Label ci: minutes each, for .ci/run. Label deep: the same checks
# at full length, for `make deep`. Exit status 77 means "skipped".
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# Label unsanitized: they run no code that is built here, or build it themselves.
function(unroll_check name)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS unsanitized)
endfunction()

# Single-threaded checks: ctest -j runs several at once.
function(unroll_ci_check name)
  unroll_check(ci.${name} ${ARGN})
  set_tests_properties(ci.${name} PROPERTIES LABELS ci SKIP_RETURN_CODE 77 TIMEOUT 2400)
endfunction()

function(unroll_deep_check name)
  unroll_check(deep.${name} ${ARGN})
  set_tests_properties(deep.${name} PROPERTIES LABELS deep SKIP_RETURN_CODE 77 TIMEOUT 10800)
endfunction()

# Checks that use all processors by themselves.
function(unroll_ci_check_alone name)
  unroll_ci_check(${name} ${ARGN})
  set_tests_properties(ci.${name} PROPERTIES RUN_SERIAL ON)
endfunction()

function(unroll_deep_check_alone name)
  unroll_deep_check(${name} ${ARGN})
  set_tests_properties(deep.${name} PROPERTIES RUN_SERIAL ON)
endfunction()

set(layering ${CMAKE_CURRENT_SOURCE_DIR}/layering)
unroll_check(layering Python3::Interpreter -B ${layering}/layering.py ${PROJECT_SOURCE_DIR})
unroll_check(layering.can_fail Python3::Interpreter -B ${layering}/layering_test.py)

set(docs ${CMAKE_CURRENT_SOURCE_DIR}/docs)
unroll_check(docs.links Python3::Interpreter -B ${docs}/docs.py links ${PROJECT_SOURCE_DIR})
unroll_check(docs.can_fail Python3::Interpreter -B ${docs}/docs_test.py)

set(language ${CMAKE_CURRENT_SOURCE_DIR}/language)
unroll_check(language Python3::Interpreter -B ${language}/language.py ${PROJECT_SOURCE_DIR})
unroll_check(language.can_fail Python3::Interpreter -B ${language}/language_test.py)

unroll_check(bench.scripts Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_test.py)

set(scripts ${PROJECT_SOURCE_DIR}/scripts)
unroll_ci_check(format ${scripts}/format.sh --check)
unroll_ci_check_alone(package ${CMAKE_CURRENT_SOURCE_DIR}/package/check.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
unroll_ci_check_alone(readme Python3::Interpreter -B ${docs}/docs.py commands ${PROJECT_SOURCE_DIR})
unroll_ci_check_alone(fuzz ${scripts}/fuzz.sh 20000)
unroll_deep_check_alone(fuzz ${scripts}/fuzz.sh 500000)
unroll_ci_check(interop ${scripts}/interop.sh ${PROJECT_BINARY_DIR})
set_tests_properties(ci.interop PROPERTIES COST 200)  # it waits for downloads
unroll_ci_check_alone(sanitizers ${scripts}/sanitizers.sh asan)
unroll_deep_check_alone(sanitizers ${scripts}/sanitizers.sh asan asan-all)
unroll_deep_check(tables ${CMAKE_COMMAND} -E env UNROLL_TABLES=100000 $<TARGET_FILE:table_test>
  --gtest_filter=WrittenTables.*)
# Every source by itself: in the other builds a source may use what the one compiled before it includes.
unroll_deep_check_alone(sources sh -c "cmake --preset debug && cmake --build --preset debug")
unroll_ci_check_alone(threads ${scripts}/sanitizers.sh tsan)

# Instruction counts of one training step. The target update_instruction_counts measures and stores them again.
set(callgrind ${CMAKE_CURRENT_SOURCE_DIR}/callgrind)
unroll_check(instructions.can_fail Python3::Interpreter -B ${callgrind}/instructions_test.py)
if(NOT UNROLL_SANITIZE)
  add_executable(training_step ${callgrind}/training_step.cc)
  target_link_libraries(training_step PRIVATE unroll_test_flags)
  set(count_instructions Python3::Interpreter -B ${callgrind}/instructions.py $<TARGET_FILE:training_step>
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE}")
  unroll_ci_check(instructions ${count_instructions})
  add_custom_target(update_instruction_counts COMMAND ${count_instructions} --update
    DEPENDS training_step VERBATIM USES_TERMINAL)
endif()
unroll_ci_check_alone(tidy ${scripts}/tidy.sh)
unroll_deep_check_alone(tidy ${scripts}/tidy.sh --all)
