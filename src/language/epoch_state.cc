#include "unroll/language_task.h"

namespace unroll {

template <>
const EnumNames<EpochState>& enum_names<EpochState>() {
  static const EnumNames<EpochState> names = {{"zero", EpochState::zero}, {"carry", EpochState::carry}};
  return names;
}

}  // namespace unroll
