/// @file
/// @brief Transactions, savepoints, reports.
#pragma once

#include "session.hpp"

namespace lovely {

/// What a transaction takes: an `ls_state`.
enum class State : std::int32_t {
    active = LS_TXN_STATE_ACTIVE,        ///< See #LS_TXN_STATE_ACTIVE.
    prepared = LS_TXN_STATE_PREPARED,    ///< See #LS_TXN_STATE_PREPARED.
    committed = LS_TXN_STATE_COMMITTED,  ///< See #LS_TXN_STATE_COMMITTED.
    aborted = LS_TXN_STATE_ABORTED,      ///< See #LS_TXN_STATE_ABORTED.
    failed = LS_TXN_STATE_FAILED,        ///< See #LS_TXN_STATE_FAILED.
    poisoned = LS_TXN_STATE_POISONED,    ///< See #LS_TXN_STATE_POISONED.
};

/// An option of a transaction: an `ls_txn_option`.
enum class TxnOption : std::int32_t {
    commit_timeout = LS_TXN_COMMIT_TIMEOUT,  ///< See #LS_TXN_COMMIT_TIMEOUT.
};

/// What was to be done with a session: an `ls_report_kind`.
enum class ReportKind : std::int32_t {
    write = LS_REPORT_WRITE,      ///< See #LS_REPORT_WRITE.
    destroy = LS_REPORT_DESTROY,  ///< See #LS_REPORT_DESTROY.
};

/// What became of it: an `ls_outcome`.
enum class Outcome : std::int32_t {
    not_stored = LS_OUTCOME_NOT_STORED,  ///< See #LS_OUTCOME_NOT_STORED.
    stored = LS_OUTCOME_STORED,          ///< See #LS_OUTCOME_STORED.
    unknown = LS_OUTCOME_UNKNOWN,        ///< See #LS_OUTCOME_UNKNOWN.
};

/// What became of one session of a commit.
struct ReportEntry {
    std::string container;  ///< The name of its container.
    std::string id;         ///< Its id, the new one if it was given one.
    ReportKind kind;        ///< What was to be done.
    Outcome outcome;        ///< What became of it.
    Status status;          ///< Why it was not stored; Status::ok if it was, or if only the others kept it from it.
    Milliseconds timeout;   ///< The timeout that it was to be stored with: what a cookie's age should be; 0 is never.
};

namespace detail {

/// Ids as C takes many.
class IdList {
public:
    template <class Ids>
    explicit IdList(const Ids& ids) {
        using Id = decltype(*std::begin(ids));
        static_assert(std::is_reference_v<Id> || std::is_trivially_destructible_v<Id>,
                      "ids that are made on the way are gone when they are asked for: put them into a std::vector first");
        for (const std::string_view id : ids) {
            data_.push_back(id.data());
            sizes_.push_back(id.size());
        }
    }
    [[nodiscard]] const char* const* data() const noexcept { return data_.data(); }
    [[nodiscard]] const std::size_t* sizes() const noexcept { return sizes_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return data_.size(); }

private:
    std::vector<const char*> data_;
    std::vector<std::size_t> sizes_;
};

}  // namespace detail

/// A mark to roll back to.
enum class Savepoint : std::uint64_t {};

/// A transaction: the sessions that are opened, changed, and stored or dropped together. One that is destroyed before it was
/// committed is aborted by that.
class Transaction {
public:
    /// Begins one.
    Transaction() {
        ls_error error;
        ls_txn* out = nullptr;
        detail::check(ls_txn_begin(&out, &error), error);
        handle_.reset(out);
    }

    /// Opens a session: as it is in this transaction, else as it is stored, else new and empty. Waits for the store.
    [[nodiscard]] Session open(const Container& container, std::string_view id) {
        ls_error error;
        ls_session* out = nullptr;
        detail::check(ls_session_get(handle(), container.handle(), id.data(), id.size(), &out, &error), error);
        return Session(out);
    }

    /// Opens many sessions at once, in one round trip to each server; open() then finds them open. `ids` is any range of text.
    template <class Ids>
    void prefetch(const Container& container, const Ids& ids) {
        const detail::IdList list(ids);
        ls_error error;
        detail::check(ls_txn_prefetch(handle(), container.handle(), list.data(), list.sizes(), list.size(), &error), error);
    }
    /// The same, of ids that are written down.
    void prefetch(const Container& container, std::initializer_list<std::string_view> ids) {
        prefetch<std::initializer_list<std::string_view>>(container, ids);
    }

    /// Makes a session with a random id; it is stored at commit, even if empty.
    [[nodiscard]] Session create(const Container& container) {
        ls_error error;
        ls_session* out = nullptr;
        detail::check(ls_session_create(handle(), container.handle(), &out, &error), error);
        return Session(out);
    }

    /// Whether there is a session, without opening it or renewing its timeout.
    [[nodiscard]] bool exists(const Container& container, std::string_view id) {
        ls_error error;
        return detail::check(ls_session_exists(handle(), container.handle(), id.data(), id.size(), &error), error);
    }

    /// Destroys a session at commit, whatever it is by then.
    void destroy(const Container& container, std::string_view id) {
        ls_error error;
        detail::check(ls_session_destroy(handle(), container.handle(), id.data(), id.size(), &error), error);
    }

    /// Makes a mark to roll back to.
    [[nodiscard]] Savepoint savepoint() {
        ls_error error;
        std::uint64_t out = 0;
        detail::check(ls_txn_savepoint(handle(), &out, &error), error);
        return Savepoint{out};
    }

    /// Puts everything back to what it was at the mark, which stays.
    void rollback(Savepoint savepoint) {
        ls_error error;
        detail::check(ls_txn_rollback(handle(), static_cast<std::uint64_t>(savepoint), &error), error);
    }

    /// Whether a mark can be rolled back to.
    [[nodiscard]] bool is_valid(Savepoint savepoint) const noexcept {
        return ls_txn_savepoint_valid(handle(), static_cast<std::uint64_t>(savepoint));
    }

    /// Runs a risky step: if it throws, what it did is rolled back, and the exception goes on.
    template <class Step>
    auto attempt(Step&& step) -> decltype(step()) {
        const Savepoint before = savepoint();
        try {
            return step();
        } catch (...) {
            // Not if the step ended the transaction: there is nothing to put back, and its exception is what counts.
            if (is_valid(before)) rollback(before);
            throw;
        }
    }

    /// Votes on a commit: finds what can be known to fail, and stores nothing.
    void prepare() {
        ls_error error;
        detail::check(ls_txn_prepare(handle(), &error), error);
    }

    /// Stores every session that was changed; see ls_txn_commit() for what is stored after which status.
    void commit() {
        ls_error error;
        detail::check(ls_txn_commit(handle(), &error), error);
    }

    /// Drops everything that was changed.
    void abort() {
        ls_error error;
        detail::check(ls_txn_abort(handle(), &error), error);
    }

    /// What it takes.
    [[nodiscard]] State state() const noexcept { return static_cast<State>(ls_txn_state(handle())); }

    /// Sets one option, in the unit that it states.
    void set(TxnOption option, std::int64_t value) {
        ls_error error;
        detail::check(ls_txn_set(handle(), static_cast<std::int32_t>(option), value, &error), error);
    }

    /// One option.
    [[nodiscard]] std::int64_t get(TxnOption option) const {
        ls_error error;
        std::int64_t out = 0;
        detail::check(ls_txn_get(handle(), static_cast<std::int32_t>(option), &out, &error), error);
        return out;
    }

    /// The open sessions, in the order of opening.
    [[nodiscard]] std::vector<Session> sessions() const {
        std::vector<Session> open;
        const std::size_t count = ls_txn_session_count(handle());
        for (std::size_t index = 0; index < count; ++index) {
            ls_error error;
            ls_session* out = nullptr;
            if (detail::check(ls_txn_session_at(handle(), index, &out, &error), error)) open.emplace_back(out);
        }
        return open;
    }

    /// What became of each session that a commit or prepare was to write or destroy; also after one that failed.
    [[nodiscard]] std::vector<ReportEntry> report() const {
        std::vector<ReportEntry> entries;
        const std::size_t count = ls_txn_report_count(handle());
        for (std::size_t index = 0; index < count; ++index) {
            entries.push_back({text(&ls_txn_report_container, index), text(&ls_txn_report_id, index),
                               number<ReportKind, std::int32_t>(&ls_txn_report_kind, index),
                               number<Outcome, std::int32_t>(&ls_txn_report_outcome, index),
                               number<Status, std::int32_t>(&ls_txn_report_status, index),
                               number<Milliseconds, std::int64_t>(&ls_txn_report_timeout, index)});
        }
        return entries;
    }

    /// For C functions.
    [[nodiscard]] ls_txn* handle() const noexcept { return handle_.get(); }

private:
    std::string text(std::int32_t (*getter)(ls_txn*, std::size_t, const char**, std::size_t*, ls_error*),
                     std::size_t index) const {
        ls_error error;
        const char* out = nullptr;
        std::size_t size = 0;
        detail::check(getter(handle(), index, &out, &size, &error), error);
        return std::string(out, size);
    }

    template <class As, class Number>
    As number(std::int32_t (*getter)(ls_txn*, std::size_t, Number*, ls_error*), std::size_t index) const {
        ls_error error;
        Number out = 0;
        detail::check(getter(handle(), index, &out, &error), error);
        return static_cast<As>(out);
    }

    detail::Owned<ls_txn, &ls_txn_free> handle_;
};

}  // namespace lovely
