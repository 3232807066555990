#pragma once

#include "aws/model.h"

namespace kite::discovery {

/// Pure: whether a description says enough to be believed. One that lacks what the service always
/// says is no evidence that something stopped serving.

/// `before`: the description so far, or null; a running task keeps its definition and interface.
bool is_told(const aws::Task& task, const aws::Task* before);
bool is_told(const aws::Instance& instance);
bool is_told(const aws::NetworkInterface& interface);

}  // namespace kite::discovery
