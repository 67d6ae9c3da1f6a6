#include "unroll/layers.h"

namespace unroll {

template <>
const EnumNames<Biases>& enum_names<Biases>() {
  static const EnumNames<Biases> names = {{"one", Biases::one}, {"two", Biases::two}};
  return names;
}

}  // namespace unroll
