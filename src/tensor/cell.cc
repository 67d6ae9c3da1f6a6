#include "unroll/cell.h"

namespace unroll {

template <>
const EnumNames<CellType>& enum_names<CellType>() {
  static const EnumNames<CellType> names = {{"rnn", CellType::rnn}, {"gru", CellType::gru}, {"lstm", CellType::lstm}};
  return names;
}

template <>
const EnumNames<Activation>& enum_names<Activation>() {
  static const EnumNames<Activation> names = {
      {"tanh", Activation::tanh}, {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}};
  return names;
}

}  // namespace unroll
