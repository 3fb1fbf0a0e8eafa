// SPDX-License-Identifier: MIT
// What a transfer came to: outcome, reason for people, times, addresses; one sender thread.
#pragma once

#include "send/transfer.h"

// Fills the record in transfer->attempt; the transfer has ended with `result`.
void ending_fill(struct transfer *transfer, CURLcode result);
// True when the lookup that the transfer made was given up on before it had an answer.
bool ending_is_hanging_lookup(const struct transfer *transfer, CURLcode result);
// For an attempt that never became a transfer. The reason is copied.
void ending_refuse(struct attempt *attempt, enum outcome outcome, const char *reason);
