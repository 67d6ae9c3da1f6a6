#pragma once

#include "unroll/options.h"

namespace unroll {

/// The recurrent cells. Gate order inside weights and buffers is PyTorch's: gru r, z, n; lstm i, f, g, o.
///   rnn   h' = activation(x W_ih + b_ih + h W_hh + b_hh)
///   gru   r = s(..), z = s(..), n = tanh(x W_in + b_in + r * (h W_hn + b_hn)), h' = (1 - z) * n + z * h
///         (Cho et al. 2014, with the reset gate after the product, as in cuDNN and PyTorch)
///   lstm  c' = s(f) * c + s(i) * tanh(g), h' = s(o) * tanh(c')   (Hochreiter and Schmidhuber 1997, Gers et al. 2000)
enum class CellType { rnn, gru, lstm };
template <>
const EnumNames<CellType>& enum_names<CellType>();

/// The activation of CellType::rnn; those of the other cells are fixed.
enum class Activation { tanh, relu, sigmoid };
template <>
const EnumNames<Activation>& enum_names<Activation>();

/// G: number of H-wide column blocks in the weights of a cell.
constexpr int gate_count(CellType cell) { return cell == CellType::rnn ? 1 : cell == CellType::gru ? 3 : 4; }

}  // namespace unroll
