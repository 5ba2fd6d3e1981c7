/// @file
/// @brief The C++ interface of lovely-session, header-only, C++17.
///
/// What a call does, returns and costs is said in `lovely_session.h`, whose functions these classes call and to which they
/// add no behaviour. What holds for all of them:
///
/// - A status below 0 becomes a lovely::Error; "not found" becomes an empty `std::optional`, or false.
/// - lovely::Store, lovely::Container, lovely::Transaction, lovely::Queue, lovely::Options and lovely::Value own what they hold and free it.
///   One that was moved from may only be assigned to or destroyed; a call through it throws.
/// - lovely::Session and lovely::Package are lent by a transaction, and cheap to copy. So are lovely::ValueView,
///   lovely::BytesView and `std::string_view` that a call hands out: they live until the transaction, or the lovely::Value,
///   that they were got from is destroyed. Who wants to keep a value asks for a `std::string` or a lovely::Value.
/// - Stores, containers and queues may be used by any number of threads at once; a transaction, with all that it lent, by one at a time.
#pragma once

#include "lovely_session/container.hpp"  // IWYU pragma: export
#include "lovely_session/convert.hpp"    // IWYU pragma: export
#include "lovely_session/error.hpp"      // IWYU pragma: export
#include "lovely_session/log.hpp"        // IWYU pragma: export
#include "lovely_session/pkg.hpp"        // IWYU pragma: export
#include "lovely_session/queue.hpp"      // IWYU pragma: export
#include "lovely_session/session.hpp"    // IWYU pragma: export
#include "lovely_session/store.hpp"      // IWYU pragma: export
#include "lovely_session/testing.hpp"    // IWYU pragma: export
#include "lovely_session/transact.hpp"   // IWYU pragma: export
#include "lovely_session/txn.hpp"        // IWYU pragma: export
#include "lovely_session/value.hpp"      // IWYU pragma: export
