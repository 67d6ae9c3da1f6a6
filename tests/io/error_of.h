#pragma once

#include <gtest/gtest.h>

#include <string>

#include "unroll/error.h"

namespace unroll {

/// The Error that `action` throws. Fails the test if nothing is thrown or the message has several lines.
template <class Action>
Error error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error("no Error was thrown");
}

template <class Action>
std::string message_of(Action&& action) {
  return error_of(action).what();
}

/// Fails the test if the error has another exit code too.
template <class Action>
std::string message_of(ExitCode code, Action&& action) {
  const Error error = error_of(action);
  EXPECT_EQ(error.code(), code) << error.what();
  return error.what();
}

}  // namespace unroll
