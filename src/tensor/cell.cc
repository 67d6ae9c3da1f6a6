#include "unroll/cell.h"

namespace unroll {

template <>
const EnumNames<Cell>& enum_names<Cell>() {
  static const EnumNames<Cell> names = {{"rnn", Cell::rnn}, {"gru", Cell::gru}, {"lstm", Cell::lstm}};
  return names;
}

template <>
const EnumNames<Activation>& enum_names<Activation>() {
  static const EnumNames<Activation> names = {
      {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}};
  return names;
}

}  // namespace unroll
