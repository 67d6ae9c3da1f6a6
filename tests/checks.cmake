# Checks that are no C++ tests. Without a label: quick. Label ci: minutes each, for .ci/run; exit status 77 is "skipped".
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(unroll_check name)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endfunction()

# Of one thread each: ctest -j runs several side by side.
function(unroll_ci_check name)
  unroll_check(ci.${name} ${ARGN})
  set_tests_properties(ci.${name} PROPERTIES LABELS ci SKIP_RETURN_CODE 77 TIMEOUT 2400)
endfunction()

# These build or run something on every processor by themselves.
function(unroll_ci_check_alone name)
  unroll_ci_check(${name} ${ARGN})
  set_tests_properties(ci.${name} PROPERTIES RUN_SERIAL ON)
endfunction()

set(layering ${CMAKE_CURRENT_SOURCE_DIR}/layering)
unroll_check(layering Python3::Interpreter -B ${layering}/layering.py ${PROJECT_SOURCE_DIR})
unroll_check(layering.can_fail Python3::Interpreter -B ${layering}/layering_test.py)

set(docs ${CMAKE_CURRENT_SOURCE_DIR}/docs)
unroll_check(docs.links Python3::Interpreter -B ${docs}/docs.py links ${PROJECT_SOURCE_DIR})
unroll_check(docs.can_fail Python3::Interpreter -B ${docs}/docs_test.py)

unroll_check(bench.scripts Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_test.py)

set(scripts ${PROJECT_SOURCE_DIR}/scripts)
unroll_ci_check(format ${scripts}/format.sh --check)
unroll_ci_check_alone(package ${CMAKE_CURRENT_SOURCE_DIR}/package/check.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
unroll_ci_check_alone(readme Python3::Interpreter -B ${docs}/docs.py commands ${PROJECT_SOURCE_DIR})
unroll_ci_check_alone(fuzz ${scripts}/fuzz_smoke.sh)
unroll_ci_check(interop ${scripts}/interop.sh ${PROJECT_BINARY_DIR})
unroll_ci_check(kills Python3::Interpreter -B ${CMAKE_CURRENT_SOURCE_DIR}/cli/test_kill.py)
set_tests_properties(ci.kills PROPERTIES ENVIRONMENT "UNROLL_KILLS=200;UNROLL_PROGRAM=$<TARGET_FILE:unroll_cli>")
unroll_ci_check_alone(sanitizers ${scripts}/sanitizers.sh asan)
unroll_ci_check_alone(threads ${scripts}/sanitizers.sh tsan)

# Instructions of one training step. They are counted again, and written down, by the target update_instruction_counts.
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
unroll_ci_check_alone(tidy ${scripts}/tidy.sh ${PROJECT_BINARY_DIR})
