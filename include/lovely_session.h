/*
 * lovely_session.h: web sessions with transactions, savepoints and merging of concurrent changes.
 *
 * This file is generated from the sources of the library and is its reference manual. What holds for all calls stands
 * here; what a call does stands at the call.
 *
 * A first program
 *
 *     ls_error err;
 *     ls_store *store = NULL;
 *     ls_container *visitors = NULL;
 *     ls_txn *txn = NULL;
 *     ls_session *session = NULL;
 *     ls_pkg *cart = NULL;
 *
 *     if (ls_store_open("memory://shop", LS_NTS, NULL, &store, &err) < 0) goto fail;
 *     if (ls_container_open(store, "visitors", LS_NTS, &visitors, &err) < 0) goto fail;
 *     if (ls_txn_begin(&txn, &err) < 0) goto fail;
 *     if (ls_session_get(txn, visitors, "id from the cookie", LS_NTS, &session, &err) < 0) goto fail;
 *     if (ls_session_pkg(session, "cart", LS_NTS, &cart, &err) < 0) goto fail;
 *     if (ls_pkg_add(cart, "items", LS_NTS, 1, NULL, &err) < 0) goto fail;
 *     if (ls_txn_commit(txn, &err) < 0) goto fail;
 *
 * Statuses
 *
 *     A call that can fail returns an int32_t: 0 (LS_OK) is done, below 0 is failed, above 0 is answered with
 *     nothing to hand back (LS_NOT_FOUND), so "if (rc < 0) goto fail;" is always right. Numbers never change
 *     their meaning; later versions may add some. Enumerations are for what comes out; what goes in is a plain
 *     integer, and one that this version does not know is LS_ERR_ARGUMENT.
 *
 *     Every call with a status can also return, which is not repeated below: LS_ERR_ARGUMENT for a NULL where
 *     something is needed and for a length that cannot be; LS_ERR_PANIC for a defect of this library (please
 *     report it). Every call on a transaction, a session or a package can also return LS_ERR_MISUSE, if another
 *     call is inside the same transaction or the process was forked since it began, and LS_ERR_PANIC after an
 *     earlier one.
 *
 * Errors
 *
 *     Detail goes into the caller's ls_error, which may be NULL and need not be initialized; there is no "last
 *     error" of the thread. On LS_OK and LS_NOT_FOUND it is set to that status, with an empty message. A message
 *     is one line that says what and where, and never contains a session id or a stored value.
 *
 * Outputs
 *
 *     Outputs are written only on success. But a pointer to a handle, to a value, or to text or bytes that are the
 *     caller's to free is set to NULL by any other outcome, so that it can be freed or tested in any case. A NULL
 *     output is LS_ERR_ARGUMENT, and nothing is done, unless the call says that it may be NULL, and but for the
 *     length of text.
 *
 * Text
 *
 *     Names, keys, ids, text and bytes go in as pointer and length. The length LS_NTS means "up to the NUL".
 *     With length 0 the pointer is ignored. Names, keys and text are UTF-8 and may contain NUL; ids and bytes
 *     are any bytes. What goes in is copied. Text and ids that come out have a length, which the NUL that is
 *     always behind them does not count in; a caller who does not want the length passes NULL for it.
 *
 * Ownership
 *
 *     What you open, begin, make, copy, find or read from JSON or MessagePack is yours: free it once, with the
 *     _free of its type, in any order. _free takes NULL, never fails, does no I/O and never logs.
 *     What you get belongs to the transaction that you got it from and lives until ls_txn_free: sessions,
 *     packages, text, bytes and values. After commit or abort, calls through such a session or package answer
 *     LS_ERR_MISUSE; they do not dangle. A value that was got stays readable and as it was, whatever is changed,
 *     rolled back or committed later. Getting an unchanged value again gives the same pointer and allocates
 *     nothing.
 *
 * Threads
 *
 *     Any thread may call. Where it says "concurrent" (the receiver is const), any number of calls may run at
 *     once: stores and containers are meant to be shared. Where it says "exclusive", one call at a time on the
 *     same transaction, with all that it lent, on the same options or the same value: a second thread gets
 *     LS_ERR_MISUSE, or from a function without a status 0, false or NULL; never undefined behaviour. A value
 *     must not be read while it is changed. As with free(), no call may begin on what is being freed; but a call
 *     that is inside the transaction already goes on, and frees it as it ends.
 *     The library has no threads of its own, and calls the log callback only on a thread that is inside a call.
 *
 * Queues
 *
 *     A host that must not block starts what does I/O on an ls_queue and goes on: each call that says "I/O: store"
 *     has a twin that ends in _start. It returns at once, and what it started comes out of ls_queue_wait exactly
 *     once, also if it was finished at once or cancelled, with the number that the caller gave with it. ls_queue_fd
 *     is one descriptor for the host's epoll, poll or event library; or ls_queue_wait with a timeout is the loop.
 *     A start copies what it is given. Until its completion is handed out an operation is a call that is inside its
 *     transaction: any other call on it answers LS_ERR_MISUSE, but ls_txn_free, which cancels the operation; its
 *     completion still comes, without handles. What is sent is gathered: see LS_QUEUE_CORK.
 *     The log callback may be called on a thread that is inside any call on a queue, and must not wait on that queue.
 *     Names are not looked up on a queue: ls_store_open and ls_store_resolve do that.
 *
 * Fork
 *
 *     A transaction that was begun in the parent is dead in the child: calls answer LS_ERR_MISUSE, ls_txn_free
 *     gives back its memory. So is a queue: ls_queue_free leaves it where it is. A memory:// store that was opened before the fork answers LS_ERR_UNSUPPORTED in the
 *     child; open it again there: it is a new one, and empty.
 *
 * I/O
 *
 *     "I/O: none" means that the call does not wait for a store; "I/O: store" that it may, until the timeouts of
 *     the store and the transaction at most, on the calling thread. No call raises a signal, and an interrupted
 *     one goes on within the time that is left.
 */


#ifndef LOVELY_SESSION_H
#define LOVELY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * A length that means "up to the NUL".
 */
#define LS_NTS SIZE_MAX

/**
 * Version of this header as text; compare with `ls_version`.
 */
#define LS_VERSION "0.1.0"



/**
 * Set in `ls_error.flags`: the same work, run again in a new transaction, may succeed.
 */
#define LS_ERROR_RETRYABLE 1

/**
 * Length of `ls_error.message` in bytes, the NUL included.
 */
#define LS_ERROR_MESSAGE_SIZE 244

/**
 * Version of this header as a number, major * 1,000,000 + minor * 1,000 + patch; compare with `ls_version_number`.
 */
#define LS_VERSION_NUMBER 1000

/**
 * Operations that a fault meets: loads.
 */
#define LS_FAULT_OP_LOAD 1

/**
 * Operations that a fault meets: writes of every kind.
 */
#define LS_FAULT_OP_WRITE 2

/**
 * Operations that a fault meets: asking for versions, which the check before a commit of several sessions does.
 */
#define LS_FAULT_OP_VERSIONS 4

/**
 * What a call returns: 0 done, below 0 failed, above 0 answered with nothing to hand back. Numbers are fixed for ever.
 */
typedef enum {
    /**
     * Done.
     */
    LS_OK = 0,
    /**
     * Nothing there: an answer, not a failure.
     */
    LS_NOT_FOUND = 1,
    /**
     * An argument that can never be right: NULL where something is needed, text that is not UTF-8, an unknown option.
     */
    LS_ERR_ARGUMENT = -10,
    /**
     * A right call at the wrong time: after commit or abort, from a second thread, in a forked child.
     */
    LS_ERR_MISUSE = -11,
    /**
     * A value of another type than the call needs.
     */
    LS_ERR_TYPE = -12,
    /**
     * Over a size limit; the message names the limit.
     */
    LS_ERR_TOO_LARGE = -13,
    /**
     * A number outside what can be represented or is allowed.
     */
    LS_ERR_RANGE = -14,
    /**
     * Something that this store, server or build cannot do.
     */
    LS_ERR_UNSUPPORTED = -15,
    /**
     * A savepoint that is not, or no longer, one of this transaction.
     */
    LS_ERR_SAVEPOINT = -16,
    /**
     * A server that cannot be reached, or that refused; nothing was applied.
     */
    LS_ERR_UNAVAILABLE = -20,
    /**
     * No answer in time to something that changes nothing.
     */
    LS_ERR_TIMEOUT = -21,
    /**
     * A server that does not speak the protocol.
     */
    LS_ERR_PROTOCOL = -22,
    /**
     * A write was sent and not answered: it may or may not have been applied.
     */
    LS_ERR_UNKNOWN = -23,
    /**
     * The caller cancelled the call.
     */
    LS_ERR_CANCELLED = -24,
    /**
     * Stored bytes that cannot be read.
     */
    LS_ERR_CORRUPT = -30,
    /**
     * Another transaction changed the same key differently; running the work again may succeed.
     */
    LS_ERR_CONFLICT = -40,
    /**
     * The session that was loaded, or found absent, was destroyed, evicted or expired since.
     */
    LS_ERR_GONE = -41,
    /**
     * Some sessions of a commit were stored and some were not; the report says which.
     */
    LS_ERR_PARTIAL = -42,
    /**
     * The transaction failed earlier and takes nothing but abort and free.
     */
    LS_ERR_FAILED = -43,
    /**
     * The server refused the write and dropped what was stored.
     */
    LS_ERR_LOST = -44,
    /**
     * A defect in this library; the transaction can only be freed.
     */
    LS_ERR_PANIC = -90,
} ls_status;

/**
 * The type of a value.
 */
typedef enum {
    /**
     * No content; differs from an absent key.
     */
    LS_TYPE_NULL = 0,
    /**
     * true or false.
     */
    LS_TYPE_BOOL = 1,
    /**
     * 64-bit signed integer.
     */
    LS_TYPE_I64 = 2,
    /**
     * 64-bit IEEE float, NaN and infinities included.
     */
    LS_TYPE_F64 = 3,
    /**
     * UTF-8 text.
     */
    LS_TYPE_TEXT = 4,
    /**
     * Bytes.
     */
    LS_TYPE_BYTES = 5,
    /**
     * List of values.
     */
    LS_TYPE_LIST = 6,
    /**
     * Map from text to values, sorted by the bytes of the keys.
     */
    LS_TYPE_MAP = 7,
} ls_type;

/**
 * An option of a store. What is not set is the default, or as it is in a store that is open already.
 */
typedef enum {
    /**
     * Milliseconds to connect to a server; 1 to 86,400,000, default 1,000.
     */
    LS_OPTION_CONNECT_TIMEOUT = 1,
    /**
     * Milliseconds for one exchange with a server; 1 to 86,400,000, default 1,000.
     */
    LS_OPTION_EXCHANGE_TIMEOUT = 2,
    /**
     * Milliseconds for a whole commit; 1 to 86,400,000, default 5,000.
     */
    LS_OPTION_COMMIT_TIMEOUT = 3,
    /**
     * Bytes that a `memory://` store may hold, keys and overhead included; default 64 MiB.
     */
    LS_OPTION_MEMORY_SIZE = 4,
    /**
     * Bytes of the largest record of a `memory://` store; default 1 MiB.
     */
    LS_OPTION_ITEM_LIMIT = 5,
    /**
     * 1 if `ls_store_flush` is allowed, which it always is on `memory://`; default 0.
     */
    LS_OPTION_FLUSH_ALLOWED = 6,
    /**
     * Milliseconds of the longest pause before a server that failed is tried again; 1 to 86,400,000, default 10,000.
     */
    LS_OPTION_RETRY_PAUSE = 7,
} ls_option;

/**
 * A counter of a store, or of one of its servers.
 */
typedef enum {
    /**
     * Items that the store was asked to load, write or tell the version of.
     */
    LS_STAT_REQUESTS = 1,
    /**
     * Loads that found a record.
     */
    LS_STAT_HITS = 2,
    /**
     * Loads that found none.
     */
    LS_STAT_MISSES = 3,
    /**
     * Records stored; renewals are not counted.
     */
    LS_STAT_WRITES = 4,
    /**
     * Writes not applied because another version stood there.
     */
    LS_STAT_CONFLICTS = 5,
    /**
     * Sessions that a commit merged with another writer's.
     */
    LS_STAT_MERGES = 6,
    /**
     * Writes that a commit tried again.
     */
    LS_STAT_RETRIES = 7,
    /**
     * Commits that found a session gone.
     */
    LS_STAT_GONE = 8,
    /**
     * Writes whose outcome stayed unknown.
     */
    LS_STAT_UNKNOWN = 9,
    /**
     * Writes that the server refused.
     */
    LS_STAT_REFUSED = 10,
    /**
     * Records dropped for want of memory.
     */
    LS_STAT_EVICTIONS = 11,
    /**
     * Records removed because their time was over.
     */
    LS_STAT_EXPIRED = 12,
    /**
     * Bytes of records loaded.
     */
    LS_STAT_BYTES_READ = 13,
    /**
     * Bytes of records stored since the store was opened.
     */
    LS_STAT_BYTES_WRITTEN = 14,
    /**
     * Records stored now, expired ones that were not swept yet included; `memory://` only.
     */
    LS_STAT_ITEMS = 15,
    /**
     * Bytes stored now, keys and overhead included; `memory://` only.
     */
    LS_STAT_BYTES_STORED = 16,
    /**
     * Connections made.
     */
    LS_STAT_CONNECTIONS = 17,
    /**
     * Connections that are open now.
     */
    LS_STAT_CONNECTIONS_OPEN = 18,
    /**
     * Tries to connect that failed.
     */
    LS_STAT_CONNECTIONS_FAILED = 19,
    /**
     * Exchanges and tries to connect whose time was over.
     */
    LS_STAT_TIMEOUTS = 20,
    /**
     * Times that a server was set aside because it failed.
     */
    LS_STAT_SET_ASIDE = 21,
    /**
     * Exchanges that were answered: those whose latencies the next ones tell. None on `memory://`.
     */
    LS_STAT_EXCHANGES = 22,
    /**
     * Nanoseconds that half of the exchanges took at most; off by 1.6 % at most, as the next three.
     */
    LS_STAT_LATENCY_P50 = 23,
    /**
     * The same for 90 of 100.
     */
    LS_STAT_LATENCY_P90 = 24,
    /**
     * The same for 99 of 100.
     */
    LS_STAT_LATENCY_P99 = 25,
    /**
     * The same for 999 of 1,000.
     */
    LS_STAT_LATENCY_P999 = 26,
    /**
     * Nanoseconds that the longest exchange took.
     */
    LS_STAT_LATENCY_MAX = 27,
} ls_stat;

/**
 * An option of a container. Times are in milliseconds.
 */
typedef enum {
    /**
     * Idle timeout of a session: not opened for so long, it is gone. 0 is never; default 3,600,000.
     */
    LS_CONTAINER_TIMEOUT = 1,
    /**
     * Grain of the last access that is reported; default 300,000. No timeout is decided by it.
     */
    LS_CONTAINER_RESOLUTION = 2,
    /**
     * The longest timeout that a session may have of its own; at least the timeout, which it follows until it is set.
     * 0 is never, and needs a timeout of 0. To raise both, set this one first; to lower both, the timeout.
     */
    LS_CONTAINER_MAX_TIMEOUT = 3,
    /**
     * Absolute lifetime of a session from its creation; 0, the default, is none.
     */
    LS_CONTAINER_LIFETIME = 4,
    /**
     * What to do about a key that two transactions changed differently: an `ls_policy`, default `LS_POLICY_MERGE`.
     */
    LS_CONTAINER_POLICY = 5,
    /**
     * 1: a session that was evicted or expired between load and commit is stored anew. 0, the default: it is gone.
     */
    LS_CONTAINER_RECREATE = 6,
} ls_container_option;

/**
 * What a commit does about a key that another transaction changed differently since it was loaded.
 */
typedef enum {
    /**
     * Different keys are merged; the same key fails with `LS_ERR_CONFLICT`, and nothing is stored.
     */
    LS_POLICY_MERGE = 0,
    /**
     * Different keys are merged; for the same key the later commit wins.
     */
    LS_POLICY_MINE = 1,
    /**
     * Any change of the session by somebody else fails with `LS_ERR_CONFLICT`.
     */
    LS_POLICY_STRICT = 2,
    /**
     * Nothing is looked at: the later commit replaces the whole session.
     */
    LS_POLICY_OVERWRITE = 3,
} ls_policy;

/**
 * What a transaction takes.
 */
typedef enum {
    /**
     * Everything.
     */
    LS_TXN_STATE_ACTIVE = 0,
    /**
     * Reads, commit, abort and free.
     */
    LS_TXN_STATE_PREPARED = 1,
    /**
     * Free and the report: it was committed.
     */
    LS_TXN_STATE_COMMITTED = 2,
    /**
     * Free: it was aborted.
     */
    LS_TXN_STATE_ABORTED = 3,
    /**
     * Abort, free and the report: a commit or prepare failed.
     */
    LS_TXN_STATE_FAILED = 4,
    /**
     * Free: a call on it met a defect of this library.
     */
    LS_TXN_STATE_POISONED = 5,
} ls_state;

/**
 * An option of a transaction.
 */
typedef enum {
    /**
     * Milliseconds that a whole commit or prepare may take, 0 to 86,400,000; reads as -1, and is the store's, until set.
     */
    LS_TXN_COMMIT_TIMEOUT = 1,
} ls_txn_option;

/**
 * An option of a queue.
 */
typedef enum {
    /**
     * How many connections operations make to one server; 1 to 4, default 1. More are of use where answers are large, or
     * come from far away.
     */
    LS_QUEUE_CONNECTIONS = 1,
    /**
     * 1: starting sends nothing; `ls_queue_flush`, called once for everything that was started in a round of the host's
     * scheduler, does, and so does `ls_queue_wait`. 0, the default: starting sends at once if no answer is awaited, and
     * what is started meanwhile goes out together by the next `ls_queue_wait`.
     */
    LS_QUEUE_CORK = 2,
} ls_queue_option;

/**
 * What was to be done with a session.
 */
typedef enum {
    /**
     * To store its content.
     */
    LS_REPORT_WRITE = 0,
    /**
     * To destroy it.
     */
    LS_REPORT_DESTROY = 1,
} ls_report_kind;

/**
 * What became of it.
 */
typedef enum {
    /**
     * Definitely not done.
     */
    LS_OUTCOME_NOT_STORED = 0,
    /**
     * Done.
     */
    LS_OUTCOME_STORED = 1,
    /**
     * Sent and not answered: done or not.
     */
    LS_OUTCOME_UNKNOWN = 2,
} ls_outcome;

/**
 * How much a line of the log matters.
 */
typedef enum {
    /**
     * Something failed that the caller cannot see otherwise.
     */
    LS_LOG_ERROR = 1,
    /**
     * Something that should be set right.
     */
    LS_LOG_WARN = 2,
    /**
     * What happened, for whoever runs the program.
     */
    LS_LOG_INFO = 3,
    /**
     * What happened, for whoever works on the library.
     */
    LS_LOG_DEBUG = 4,
} ls_log_level;

/**
 * What goes wrong in a `memory://` store, at each item that the fault meets.
 */
typedef enum {
    /**
     * The server is away: nothing is applied, and the caller knows it.
     */
    LS_FAULT_UNAVAILABLE = 1,
    /**
     * The request is lost: nothing is applied, and no answer comes.
     */
    LS_FAULT_TIMEOUT = 2,
    /**
     * The answer is lost: it is applied, and no answer comes.
     */
    LS_FAULT_LOST_ANSWER = 3,
    /**
     * The server refuses a write and keeps what is stored.
     */
    LS_FAULT_REFUSED = 4,
    /**
     * The server refuses a write and drops what is stored.
     */
    LS_FAULT_REFUSED_DROPPED = 5,
} ls_fault;

/**
 * A handle to a container. A container is its store and name: all handles to it share its options.
 *
 * Methods: `ls_container_open`, `ls_container_name`, `ls_container_set`, `ls_container_get`,
 * `ls_container_last_access`, `ls_container_free`.
 */
typedef struct ls_container ls_container;

/**
 * Options for `ls_store_open`.
 *
 * Methods: `ls_options_new`, `ls_options_set`, `ls_options_get`, `ls_options_free`.
 */
typedef struct ls_options ls_options;

/**
 * A package: a named map in a session. The same handle for the same package. It names the package, and stays good if
 * the package is deleted, rolled back or replaced: it then reads as empty, and writing through it creates the package
 * anew. It lives until `ls_txn_free`; calls through it answer the errors of its session's handle, see `ls_session`.
 *
 * Methods: `ls_pkg_name`, `ls_pkg_get`, `ls_pkg_set`, `ls_pkg_type`, `ls_pkg_get_bool`, `ls_pkg_get_i64`,
 * `ls_pkg_get_f64`, `ls_pkg_get_text`, `ls_pkg_get_bytes`, `ls_pkg_set_null`, `ls_pkg_set_bool`, `ls_pkg_set_i64`,
 * `ls_pkg_set_f64`, `ls_pkg_set_text`, `ls_pkg_set_bytes`, `ls_pkg_add`, `ls_pkg_delete`, `ls_pkg_contains`,
 * `ls_pkg_len`, `ls_pkg_clear`, `ls_pkg_keys`, `ls_pkg_content`, `ls_pkg_replace`, `ls_pkg_update`.
 */
typedef struct ls_pkg ls_pkg;

/**
 * Many operations at once, for hosts that must not block: what is started on a queue goes on while the host does
 * something else, and comes out of `ls_queue_wait` when it is finished, once for each. One descriptor tells when to call
 * it. Operations of a queue share their connections and send together, which is what makes them cheap. Any thread may
 * start and wait; a host with several threads is best served by a queue for each.
 *
 * Methods: `ls_queue_new`, `ls_queue_set`, `ls_queue_get`, `ls_queue_fd`, `ls_queue_wait`, `ls_queue_flush`,
 * `ls_queue_cancel`, `ls_queue_free`.
 */
typedef struct ls_queue ls_queue;

/**
 * A session in a transaction: the same handle for the same session. It lives until `ls_txn_free`; calls through it
 * answer `LS_ERR_MISUSE` after commit and abort, `LS_ERR_FAILED` after a commit that failed, `LS_ERR_GONE` while the
 * transaction destroys the session, and `LS_ERR_MISUSE` after a rollback to before the session was opened.
 *
 * Methods: `ls_session_get`, `ls_session_get_start`, `ls_session_create`, `ls_session_exists`,
 * `ls_session_exists_start`, `ls_session_destroy`, `ls_session_id`,
 * `ls_session_is_new`, `ls_session_created`, `ls_session_accessed`, `ls_session_timeout`, `ls_session_set_timeout`,
 * `ls_session_clear_timeout`, `ls_session_deadline`, `ls_session_set_deadline`, `ls_session_clear_deadline`,
 * `ls_session_regenerate`, `ls_session_clear`, `ls_session_pkg_names`, `ls_session_content`, `ls_session_pkg`,
 * `ls_session_peek_pkg`, `ls_session_delete_pkg`.
 */
typedef struct ls_session ls_session;

/**
 * A handle to a store. Opening the same store again gives another handle to it; what a `memory://` store holds lives
 * as long as any handle to it, a container, a transaction with a session of it and a registered name included.
 *
 * Methods: `ls_store_open`, `ls_store_resolve`, `ls_store_ping`, `ls_store_ping_start`, `ls_store_flush`,
 * `ls_store_flush_start`, `ls_store_name`, `ls_store_stat`, `ls_store_stats_text`, `ls_store_server_count`,
 * `ls_store_server_name`, `ls_store_server_stat`, `ls_store_register`, `ls_store_find`, `ls_store_unregister`,
 * `ls_store_free`.
 */
typedef struct ls_store ls_store;

/**
 * A transaction: the sessions that are opened, changed, and stored or dropped together, of any containers of any
 * stores. It is one transaction; begin another for the next.
 *
 * One call at a time: a second thread, or a log callback that calls back, gets `LS_ERR_MISUSE`.
 *
 * Methods: `ls_txn_begin`, `ls_txn_savepoint`, `ls_txn_rollback`, `ls_txn_savepoint_valid`, `ls_txn_prepare`,
 * `ls_txn_prepare_start`, `ls_txn_commit`, `ls_txn_commit_start`, `ls_txn_prefetch`, `ls_txn_prefetch_start`, `ls_txn_abort`, `ls_txn_state`, `ls_txn_set`, `ls_txn_get`, `ls_txn_session_count`,
 * `ls_txn_session_at`, `ls_txn_report_count`, `ls_txn_report_container`, `ls_txn_report_id`, `ls_txn_report_kind`,
 * `ls_txn_report_outcome`, `ls_txn_report_status`, `ls_txn_report_timeout`, `ls_txn_free`.
 */
typedef struct ls_txn ls_txn;

/**
 * A value: null, boolean, integer, float, text, bytes, list or map.
 *
 * A value that you made, copied or read from JSON or MessagePack is yours to change and to free. A `const` one that a
 * transaction or another value lends is only to be read. Putting a value into a list, a map or a package copies it, at a cost that
 * does not depend on its size: changing it afterwards does not change what was put.
 *
 * Any number of threads may read a value at once, while none changes it. Two that change it at once: the second gets
 * `LS_ERR_MISUSE`.
 *
 * Methods: `ls_value_new_null`, `ls_value_new_bool`, `ls_value_new_i64`, `ls_value_new_f64`, `ls_value_new_text`,
 * `ls_value_new_bytes`, `ls_value_new_list`, `ls_value_new_map`, `ls_value_list_push`, `ls_value_map_set`,
 * `ls_value_type`, `ls_value_as_bool`, `ls_value_as_i64`, `ls_value_as_f64`, `ls_value_as_text`, `ls_value_as_bytes`,
 * `ls_value_len`, `ls_value_list_at`, `ls_value_map_at`, `ls_value_map_get`, `ls_value_equal`, `ls_value_copy`,
 * `ls_value_to_json`, `ls_value_from_json`, `ls_value_to_msgpack`, `ls_value_from_msgpack`, `ls_value_free`.
 */
typedef struct ls_value ls_value;

/**
 * Takes one line of the log: UTF-8 text that lives until the callback returns, NUL-terminated, and its length.
 *
 * Called only on a thread that is inside a call of this library, by several at once if several are. It may call the
 * library, but not with the transaction of the call that it is inside of: that answers `LS_ERR_MISUSE`. It must
 * return: no `longjmp` and no C++ exception may leave it.
 */
typedef void (*ls_log_callback)(void *user_data, int32_t level, const char *line, size_t line_len);

/**
 * What went wrong. The memory is the caller's: 256 bytes, on the stack as a rule, that need no initialization.
 *
 * Every call that takes one fills it in: after `LS_OK` and `LS_NOT_FOUND` it holds that status, no flags and an
 * empty message, so that one `ls_error` serves any number of calls.
 */
typedef struct {
    /**
     * The status that the call returned.
     */
    int32_t status;
    /**
     * The system's error number (`errno`) behind the failure, or 0.
     */
    int32_t sys_errno;
    /**
     * A sum of `LS_ERROR_...` flags.
     */
    uint32_t flags;
    /**
     * One line of text in UTF-8, NUL-terminated, cut between characters if it is too long; never a session id or a value.
     */
    char message[LS_ERROR_MESSAGE_SIZE];
} ls_error;

/**
 * A finished operation: 320 bytes of the caller's memory that need no initialization.
 */
typedef struct {
    /**
     * The number of the operation, as the call that started it gave it.
     */
    uint64_t op;
    /**
     * What the caller gave with it; the library never looks behind it.
     */
    uint64_t user_data;
    /**
     * Of an `ls_session_get_start` that succeeded the session; else NULL. It belongs to the transaction.
     */
    ls_session *session;
    /**
     * What the call that does the same and waits would have returned.
     */
    int32_t status;
    /**
     * 0 in this version.
     */
    int32_t reserved[9];
    /**
     * As that call would have filled it in.
     */
    ls_error error;
} ls_completion;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the name of a status, such as `LS_ERR_CONFLICT`, for logs and for the messages of bindings.
 *
 * `status`: any number.
 *
 * Returns the name; "unknown status" for a number that is no status of this version; never NULL.
 * Ownership: static text.
 * I/O: none. Threads: any. Since: 0.1.
 */
const char *ls_status_name(int32_t status);

/**
 * Returns the version of the library that was loaded, such as "0.1.0".
 *
 * Returns the version, never NULL.
 * Ownership: static text.
 * I/O: none. Threads: any. Since: 0.1.
 */
const char *ls_version(void);

/**
 * Returns the version of the library that was loaded as a number, as `LS_VERSION_NUMBER` counts.
 *
 * Versions of one major number, and while that is 0 of one minor number, have the same ABI, but for additions.
 *
 * Returns the number.
 * Ownership: none.
 * I/O: none. Threads: any. Since: 0.1.
 */
uint32_t ls_version_number(void);

/**
 * Sets the log callback of the process, in place of the one before.
 *
 * Lines name neither session ids nor values. After this returns, a thread that was already inside the old callback
 * may still be there.
 *
 * `callback`: what takes the lines; NULL for silence, which is the default.
 * `user_data`: passed on to the callback; may be NULL.
 * `level`: the least important lines that are wanted, an `ls_log_level`; ignored if `callback` is NULL.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a level that does not exist.
 * Ownership: `user_data` stays the caller's and has to live until another callback is set and the old one is left.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_log_set(ls_log_callback callback, void *user_data, int32_t level, ls_error *err);

/**
 * Makes options of which none is set.
 *
 * `out`: set to the options.
 *
 * Returns `LS_OK`.
 * Ownership: the options are yours; free them with `ls_options_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_options_new(ls_options **out, ls_error *err);

/**
 * Sets one option.
 *
 * `options`: what to change.
 * `option`: which, an `ls_option`.
 * `value`: its value, in the unit that the option states.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it
 * may be; `LS_ERR_MISUSE` while another thread uses the options.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_options_set(ls_options *options, int32_t option, int64_t value, ls_error *err);

/**
 * Reads one option: as it was set, else its default.
 *
 * `options`: what to read.
 * `option`: which, an `ls_option`.
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_MISUSE` while another thread sets one.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_options_get(const ls_options *options,
                       int32_t option,
                       int64_t *out,
                       ls_error *err);

/**
 * Frees options. Stores that were opened with them keep theirs.
 *
 * `options`: what to free; NULL is allowed.
 *
 * Ownership: takes the options.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
void ls_options_free(ls_options *options);

/**
 * Opens a store by its URL.
 *
 * `memory://NAME[?OPTION=VALUE&...]` is a store inside this process, the same one for the same name.
 * `memcached://HOST[:PORT][,HOST[:PORT]...][/PREFIX][?OPTION=VALUE&...]` is one on memcached servers, each of which has its
 * share of the sessions, and `memcached+unix:///PATH[?OPTION=VALUE&...]` one on a socket. Options are `size` (64m) of a
 * `memory://` store and `item_limit`, in bytes or with k, m or g, `prefix`, `flush=allow`, and in milliseconds
 * `connect_timeout`, `exchange_timeout`, `commit_timeout` and `retry_pause`; see `ls_option`. Without a URL the environment variable `LOVELY_SESSION_URL` counts, else
 * it is `memory://default`, with one warning on the log.
 *
 * `url`, `url_len`: see "Text"; no URL if `url` is NULL or the length 0. With `LS_NTS` an empty text is an error: a setting
 * that is empty by mistake must not open a store that forgets.
 * `options`: as in the URL; may be NULL.
 * `out`: set to the store.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a URL that cannot be understood, or an option that is set differently by the
 * URL, by `options` or by who opened the store first, or is outside what it may be; `LS_ERR_UNSUPPORTED` for a kind of
 * store that this version has not.
 * Ownership: the store is yours; free it with `ls_store_free`. `options` stays yours.
 * I/O: looks up host names, and blocks for it. Threads: any. Since: 0.1.
 */
int32_t ls_store_open(const char *url,
                      size_t url_len,
                      const ls_options *options,
                      ls_store **out,
                      ls_error *err);

/**
 * Looks up the host names of the store's servers again.
 *
 * `store`: whose servers; a `memory://` store has none.
 *
 * Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if a name cannot be looked up: the addresses that were known stay.
 * Ownership: none.
 * I/O: looks up host names, and blocks for it. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_resolve(const ls_store *store, ls_error *err);

/**
 * Asks whether the store answers; with several servers, whether all do.
 *
 * `store`: what to ask.
 *
 * Returns `LS_OK`; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or `LS_ERR_PROTOCOL` for a server that does not answer as it
 * should; `LS_ERR_UNSUPPORTED` for a `memory://` store that was opened before a fork.
 * Ownership: none.
 * I/O: store. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_ping(const ls_store *store,
                      ls_error *err);

/**
 * Removes everything from the store: the data of other applications on the same servers included.
 *
 * `store`: what to empty.
 *
 * Returns `LS_OK`; `LS_ERR_UNSUPPORTED` unless the store was opened with `flush=allow` (a `memory://` store always
 * may), and for a `memory://` store that was opened before a fork; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or
 * `LS_ERR_PROTOCOL` for a server that does not answer as it should: the others may have been emptied.
 * Ownership: none.
 * I/O: store. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_flush(const ls_store *store, ls_error *err);

/**
 * Tells the store's URL in its shortest form, without options and secrets.
 *
 * `store`: what to ask.
 * `out`, `out_len`: set to the name; see "Text".
 *
 * Returns `LS_OK`.
 * Ownership: the text belongs to the handle and lives until `ls_store_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_name(const ls_store *store, const char **out, size_t *out_len, ls_error *err);

/**
 * Makes the store known under a name in this process, so that other parts of the program find it, and keeps it open.
 * Registering it again under the same name changes nothing.
 *
 * `store`: what to register.
 * `name`, `name_len`: see "Text"; 0 to 100 characters.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` if another store has the name, or if it is too long or not UTF-8.
 * Ownership: the registry has a handle of its own, until `ls_store_unregister`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_register(const ls_store *store, const char *name, size_t name_len, ls_error *err);

/**
 * Finds the store that was registered under a name.
 *
 * `name`, `name_len`: see "Text".
 * `out`: set to a handle to the store.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the name is not registered; `LS_ERR_ARGUMENT` if it is not UTF-8.
 * Ownership: the handle is yours; free it with `ls_store_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_store_find(const char *name, size_t name_len, ls_store **out, ls_error *err);

/**
 * Forgets a name. The store stays open for those who have a handle.
 *
 * `name`, `name_len`: see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the name is not registered; `LS_ERR_ARGUMENT` if it is not UTF-8.
 * Ownership: none.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_store_unregister(const char *name, size_t name_len, ls_error *err);

/**
 * Frees a handle. Containers, transactions and other handles go on working.
 *
 * `store`: what to free; NULL is allowed.
 *
 * Ownership: takes the handle.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
void ls_store_free(ls_store *store);

/**
 * Reads one counter of the store, counted since it was opened in this process, for all handles and all servers together.
 *
 * `store`: what to ask.
 * `counter`: which, an `ls_stat`.
 * `out`: set to the count.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a counter that does not exist.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_stat(const ls_store *store,
                      int32_t counter,
                      uint64_t *out,
                      ls_error *err);

/**
 * Reads all counters of the store as text for people: it may grow. Each line has a name and its count; where there are
 * servers it is a table, with the counts of all together and then those of each server, and their names in the first line.
 *
 * `store`: what to ask.
 * `out`, `out_len`: set to the text; see "Text".
 *
 * Returns `LS_OK`.
 * Ownership: the text is yours; free it with `ls_text_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_stats_text(const ls_store *store,
                            char **out,
                            size_t *out_len,
                            ls_error *err);

/**
 * Counts the servers of the store; 0 for a `memory://` store, for NULL, and in a call that is misused.
 *
 * `store`: what to ask.
 *
 * Returns the number.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
size_t ls_store_server_count(const ls_store *store);

/**
 * Tells the name of one server: host and port, or the path of a socket, as errors and the log name it.
 *
 * `store`: what to ask.
 * `index`: which server, from 0, in the order of their addresses.
 * `out`, `out_len`: set to the name; see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last server.
 * Ownership: the text belongs to the handle and lives until `ls_store_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_server_name(const ls_store *store, size_t index, const char **out, size_t *out_len, ls_error *err);

/**
 * Reads one counter of one server, counted since the store was opened in this process, for all handles together.
 *
 * `store`: what to ask.
 * `index`: which server, from 0, in the order of their addresses.
 * `counter`: which, an `ls_stat`.
 * `out`: set to the count.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last server; `LS_ERR_ARGUMENT` for a counter that does not exist.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_server_stat(const ls_store *store, size_t index, int32_t counter, uint64_t *out, ls_error *err);

/**
 * Opens a container of a store.
 *
 * `store`: where its sessions live.
 * `name`, `name_len`: see "Text"; 1 to 100 characters, those other than `[A-Za-z0-9._~-]` counted percent-encoded.
 * `out`: set to the container.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a name that is empty or not UTF-8; `LS_ERR_TOO_LARGE` for one that is too long.
 * Ownership: the container is yours; free it with `ls_container_free`. It keeps the store open.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_container_open(const ls_store *store,
                          const char *name,
                          size_t name_len,
                          ls_container **out,
                          ls_error *err);

/**
 * Tells the name of a container, as it was given.
 *
 * `container`: what to ask.
 * `out`, `out_len`: set to the name; see "Text".
 *
 * Returns `LS_OK`.
 * Ownership: the text belongs to the handle and lives until `ls_container_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_container_name(const ls_container *container, const char **out, size_t *out_len, ls_error *err);

/**
 * Sets one option of a container, for all handles to it in this process, from now on.
 *
 * The timeout that counts for a session is the one at the time of its commit, or a longer one of now. Options are the
 * process's own and are not stored: give a container the same ones wherever it is used, `LS_CONTAINER_MAX_TIMEOUT` above
 * all, from which the store reckons how long a session was idle. A session of another one may, until it is written
 * again, be taken for more or less idle than it is.
 *
 * `container`: whose option.
 * `option`: which, an `ls_container_option`.
 * `value`: its value, in the unit that the option states.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option or a policy that does not exist, and for anything but 0 and 1 where
 * these are the values; `LS_ERR_RANGE` for a time that is negative or over 10^15 ms, and for a timeout over the longest
 * that is allowed.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_container_set(const ls_container *container,
                         int32_t option,
                         int64_t value,
                         ls_error *err);

/**
 * Reads one option of a container.
 *
 * `container`: whose option.
 * `option`: which, an `ls_container_option`.
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_container_get(const ls_container *container, int32_t option, int64_t *out, ls_error *err);

/**
 * Tells when a session of the container was last opened in this process; it may lag by the resolution.
 *
 * `container`: what to ask.
 * `out_ms`: set to the time, in Unix milliseconds by the store's clock; that of the container's first opening if no
 * session was opened yet.
 *
 * Returns `LS_OK`.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_container_last_access(const ls_container *container, int64_t *out_ms, ls_error *err);

/**
 * Frees a handle. Transactions with sessions of the container, and other handles, go on working.
 *
 * `container`: what to free; NULL is allowed.
 *
 * Ownership: takes the handle.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
void ls_container_free(ls_container *container);

/**
 * Begins a transaction.
 *
 * `out`: set to the transaction.
 *
 * Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system cannot watch for forks.
 * Ownership: the transaction is yours; free it with `ls_txn_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_txn_begin(ls_txn **out, ls_error *err);

/**
 * Makes a savepoint: a mark to roll back to. Its cost does not depend on what the transaction holds.
 *
 * `txn`: an active transaction.
 * `out`: set to the savepoint, a number that is unique in the process.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared or has ended; `LS_ERR_FAILED` if it failed.
 * Ownership: none: savepoints end with the transaction.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_savepoint(ls_txn *txn, uint64_t *out, ls_error *err);

/**
 * Puts everything back to what it was when the savepoint was made: values, packages, ids, timeouts, deadlines and
 * destroyed sessions, of all sessions of the transaction.
 *
 * Handles that were taken before stay valid and show what was put back. A session that was opened after the savepoint
 * leaves the transaction: its handle answers `LS_ERR_MISUSE` from then on. Later savepoints end; this one stays.
 *
 * `txn`: an active transaction.
 * `savepoint`: from `ls_txn_savepoint` on this transaction.
 *
 * Returns `LS_OK`; `LS_ERR_SAVEPOINT` if the savepoint has ended or is not one of this transaction, and nothing is
 * changed; `LS_ERR_MISUSE` if the transaction is prepared; `LS_ERR_FAILED` if it failed.
 * Ownership: values that were lent before stay readable as they were.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_rollback(ls_txn *txn, uint64_t savepoint, ls_error *err);

/**
 * Tells whether a savepoint can be rolled back to.
 *
 * `txn`: the transaction.
 * `savepoint`: any number.
 *
 * Returns true if it can; false also for NULL and while another call is inside.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
bool ls_txn_savepoint_valid(ls_txn *txn, uint64_t savepoint);

/**
 * Votes on a commit, for hosts with a transaction manager of their own: finds what can be known to fail, and stores
 * nothing. Afterwards the transaction takes reads, `ls_txn_commit`, `ls_txn_abort` and `ls_txn_free` only.
 *
 * A commit that follows can still fail: another writer may be faster, or a server go away.
 *
 * `txn`: an active transaction.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared already or has ended; `LS_ERR_FAILED` if it failed
 * before; else as `ls_txn_commit`, of which `LS_ERR_PARTIAL`, `LS_ERR_UNKNOWN` and `LS_ERR_LOST` cannot occur. After
 * any failure but `LS_ERR_ARGUMENT` and `LS_ERR_MISUSE` the transaction has failed, and nothing is stored.
 * Ownership: none.
 * I/O: store. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_prepare(ls_txn *txn, ls_error *err);

/**
 * Stores every session that was changed, and ends the transaction.
 *
 * A session that somebody else changed since it was loaded is merged, key by key, and tried again until the commit
 * timeout. A transaction that changed nothing writes nothing. What is stored after each status:
 *
 * - `LS_OK`: everything.
 * - `LS_ERR_TOO_LARGE`: nothing. A session, merged or not, is over the limit that the message names.
 * - `LS_ERR_RANGE`: nothing. Merging made a counter overflow.
 * - `LS_ERR_CONFLICT` (retryable): nothing. Somebody changed the same key differently, or under `LS_POLICY_STRICT`
 *   anything in the session; or a new id is in use; or others were faster each time until the commit timeout.
 * - `LS_ERR_GONE`: nothing. A session that was changed was destroyed, evicted or expired since it was loaded; or it was
 *   found absent, and so long ago that one cannot tell whether it was created and destroyed since: as long as the mark of
 *   a destroyed session lives, which is the container's longest timeout.
 * - `LS_ERR_CORRUPT`: nothing. What somebody else stored meanwhile cannot be read, and so not be merged with.
 * - `LS_ERR_UNSUPPORTED`: nothing. A store cannot do what the container's policy needs, or was opened before a fork.
 * - `LS_ERR_UNAVAILABLE`, `LS_ERR_PROTOCOL`: nothing. A server is away, refused, or does not speak the protocol.
 * - `LS_ERR_TIMEOUT`: nothing. The commit timeout passed, or a server did not answer, before anything was stored.
 * - `LS_ERR_UNKNOWN`: a session's write was sent and not answered, and no time was left to look, or what stands there by
 *   now does not tell: that session is stored or as it was. One that was given a new id, of which time ran out half-way,
 *   is there under the old id, the new one, or both; one that somebody else destroyed or replaced under the old id
 *   meanwhile is there under neither. The report says which it is; what it calls not stored is not, and nothing is known
 *   to be.
 * - `LS_ERR_LOST`: nothing, and a session that was to be replaced is gone too, or may be: the server refused the write,
 *   and drops what it had as it does so.
 * - `LS_ERR_PARTIAL`: some of several sessions. The report says of each: stored, not stored, unknown. Not retryable:
 *   running the work again would do some of it twice.
 * - `LS_ERR_FAILED`: nothing by this call; an earlier prepare or commit failed.
 * - `LS_ERR_MISUSE`: nothing by this call; the transaction was committed or aborted before, or another call is inside.
 * - `LS_ERR_PANIC`: unknown.
 *
 * After `LS_OK` the transaction is committed. After any failure but `LS_ERR_ARGUMENT` and `LS_ERR_MISUSE` it has
 * failed: it keeps its report and takes `ls_txn_abort` and `ls_txn_free` only. To try again, run the work in a new one.
 *
 * `txn`: an active or prepared transaction.
 *
 * Returns one of these.
 * Ownership: none; values that were lent stay readable until `ls_txn_free`.
 * I/O: store. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_commit(ls_txn *txn,
                      ls_error *err);

/**
 * Drops everything that the transaction changed, and ends it. The report of a failed commit stays.
 *
 * `txn`: a transaction that has not ended, or that failed.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` if it was committed or aborted.
 * Ownership: none; values that were lent stay readable until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_abort(ls_txn *txn, ls_error *err);

/**
 * Tells what the transaction takes.
 *
 * `txn`: the transaction.
 *
 * Returns an `ls_state`; 0 also for NULL, while another call is inside, and in a forked child.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_state(ls_txn *txn);

/**
 * Sets one option.
 *
 * `txn`: the transaction.
 * `option`: which, an `ls_txn_option`.
 * `value`: its value, in the unit that the option states.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it may
 * be.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_set(ls_txn *txn,
                   int32_t option,
                   int64_t value,
                   ls_error *err);

/**
 * Reads one option.
 *
 * `txn`: the transaction.
 * `option`: which, an `ls_txn_option`.
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_get(ls_txn *txn, int32_t option, int64_t *out, ls_error *err);

/**
 * Counts the open sessions.
 *
 * `txn`: the transaction.
 *
 * Returns the number; 0 after the end of the transaction, for NULL and while another call is inside.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
size_t ls_txn_session_count(ls_txn *txn);

/**
 * Gets an open session by its place, in the order of opening.
 *
 * `txn`: the transaction.
 * `index`: which session, from 0.
 * `out`: set to the session.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last one.
 * Ownership: the session belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_session_at(ls_txn *txn, size_t index, ls_session **out, ls_error *err);

/**
 * Frees a transaction. One that was neither committed nor aborted is aborted by that.
 *
 * While another thread is inside a call on it, it is freed when that call ends; no further call may begin.
 *
 * `txn`: what to free; NULL is allowed.
 *
 * Ownership: takes the transaction and all that it lent.
 * I/O: none. Threads: any. Since: 0.1.
 */
void ls_txn_free(ls_txn *txn);

/**
 * Counts the entries of the report: one for each session that a commit or prepare was to write or destroy.
 *
 * `txn`: a transaction that was committed or failed, aborted since or not; any other has no report yet.
 *
 * Returns the number; 0 also for NULL and while another call is inside.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
size_t ls_txn_report_count(ls_txn *txn);

/**
 * Reads the name of the container of a session in the report.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out`, `out_len`: set to the name; see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_container(ls_txn *txn, size_t index, const char **out, size_t *out_len, ls_error *err);

/**
 * Reads the id of a session in the report: the new one, if it was given one.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out`, `out_len`: set to the id, any bytes, with a NUL behind them; see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: the id belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_id(ls_txn *txn, size_t index, const char **out, size_t *out_len, ls_error *err);

/**
 * Reads what was to be done with a session in the report.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out`: set to an `ls_report_kind`.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_kind(ls_txn *txn, size_t index, int32_t *out, ls_error *err);

/**
 * Reads what became of a session in the report.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out`: set to an `ls_outcome`.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_outcome(ls_txn *txn, size_t index, int32_t *out, ls_error *err);

/**
 * Reads why a session in the report was not stored.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out`: set to an `ls_status`: `LS_OK` if it was stored, or if only the other sessions kept it from being stored.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_status(ls_txn *txn, size_t index, int32_t *out, ls_error *err);

/**
 * Reads the timeout that a session in the report was to be stored with: what a cookie's age should be.
 *
 * `txn`: the transaction.
 * `index`: which entry, from 0.
 * `out_ms`: set to the timeout in milliseconds; 0 is never.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_report_timeout(ls_txn *txn, size_t index, int64_t *out_ms, ls_error *err);

/**
 * Opens a session: the one that is open in this transaction already, else as it is stored, else a new, empty one.
 *
 * Opening renews the session's idle timeout in the same round trip, also if the transaction is aborted later. It
 * stores nothing. A session that was opened in this transaction its timeout or longer ago is loaded anew: changes that
 * were not committed are dropped, and handles of it answer `LS_ERR_MISUSE`.
 *
 * `txn`: an active transaction; a prepared one gives what it has open.
 * `container`: where it is.
 * `id`, `id_len`: which session, 1 to 8,192 bytes of any kind; see "Text".
 * `out`: set to the session.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an empty id, `LS_ERR_TOO_LARGE` for one that is too long; `LS_ERR_GONE` if this
 * transaction destroys the session; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or `LS_ERR_PROTOCOL` for a server that does
 * not answer as it should: the transaction is as before, and opening again tries again; `LS_ERR_CORRUPT` if what is
 * stored cannot be read; `LS_ERR_UNSUPPORTED` for a store that cannot keep sessions safely, or a `memory://` store that
 * was opened before a fork; `LS_ERR_MISUSE` if the transaction has ended; `LS_ERR_FAILED` if it failed.
 * Ownership: the session belongs to the transaction and lives until `ls_txn_free`. `container` stays yours.
 * I/O: store. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_get(ls_txn *txn,
                       const ls_container *container,
                       const char *id,
                       size_t id_len,
                       ls_session **out,
                       ls_error *err);

/**
 * Makes a new session with a random id of 192 bits, 32 URL-safe characters. It is stored at commit, even if empty.
 *
 * `txn`: an active transaction.
 * `container`: where it is to be.
 * `out`: set to the session.
 *
 * Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system has no random numbers; `LS_ERR_MISUSE` if the transaction is
 * prepared or has ended; `LS_ERR_FAILED` if it failed.
 * Ownership: the session belongs to the transaction and lives until `ls_txn_free`. `container` stays yours.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_create(ls_txn *txn, const ls_container *container, ls_session **out, ls_error *err);

/**
 * Asks whether there is a session, as this transaction sees it. Asking does not open it and does not renew its
 * timeout.
 *
 * `txn`: an active or prepared transaction.
 * `container`: where it would be.
 * `id`, `id_len`: which session; see "Text".
 *
 * Returns `LS_OK` if there is; `LS_NOT_FOUND` if not; else as `ls_session_get`, but never `LS_ERR_GONE`.
 * Ownership: `container` stays yours.
 * I/O: store, unless the transaction knows. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_exists(ls_txn *txn, const ls_container *container, const char *id, size_t id_len, ls_error *err);

/**
 * Destroys a session at commit, whatever it is by then. It need not be open, nor exist, nor be readable.
 *
 * Its handles, and opening it again in this transaction, answer `LS_ERR_GONE`, until a rollback brings it back. Another
 * transaction that has it open and changed it will get `LS_ERR_GONE` at its commit.
 *
 * `txn`: an active transaction.
 * `container`: where it is.
 * `id`, `id_len`: which session; see "Text".
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an empty id, `LS_ERR_TOO_LARGE` for one that is too long; `LS_ERR_MISUSE` if the
 * transaction is prepared or has ended; `LS_ERR_FAILED` if it failed.
 * Ownership: `container` stays yours.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_destroy(ls_txn *txn,
                           const ls_container *container,
                           const char *id,
                           size_t id_len,
                           ls_error *err);

/**
 * Tells the id that the session will have after the commit.
 *
 * `session`: the session.
 * `out`, `out_len`: set to the id, any bytes, with a NUL behind them; see "Text".
 *
 * Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
 * Ownership: the id belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_id(ls_session *session, const char **out, size_t *out_len, ls_error *err);

/**
 * Tells whether nothing was stored under the session's id when it was opened.
 *
 * `session`: the session.
 *
 * Returns true if nothing was; false also for NULL, while another call is inside, and for a handle that is no longer
 * usable.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
bool ls_session_is_new(ls_session *session);

/**
 * Gives the session a new id at commit. Its content stays; the old id is destroyed. For use at login, against session
 * fixation.
 *
 * `session`: the session.
 * `new_id`, `new_id_len`: the new id, 1 to 8,192 bytes; see "Text"; a random one if the
 * length is 0.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for the id that it has, or one that this transaction uses; `LS_ERR_TOO_LARGE` for
 * one that is too long; `LS_ERR_UNAVAILABLE` if the system has no random numbers; `LS_ERR_MISUSE` if the transaction is
 * prepared; an error as any handle of a session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_regenerate(ls_session *session,
                              const char *new_id,
                              size_t new_id_len,
                              ls_error *err);

/**
 * Deletes all packages of the session. The session stays.
 *
 * `session`: the session.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if a stored package cannot be read, and nothing is changed; `LS_ERR_MISUSE` if the
 * transaction is prepared; an error as any handle of a session gives, see `ls_session`.
 * Ownership: values that were lent before stay readable as they were.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_clear(ls_session *session,
                         ls_error *err);

/**
 * Lists the names of the session's packages, sorted by their bytes.
 *
 * `session`: the session.
 * `out`: set to a list of text: a snapshot, which later changes do not change.
 *
 * Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
 * Ownership: the list belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_pkg_names(ls_session *session, const ls_value **out, ls_error *err);

/**
 * Reads the whole session.
 *
 * `session`: the session.
 * `out`: set to a map from package names to maps: a snapshot, which later changes do not change.
 *
 * Values may be 64 deep, and are two deeper in this map, which can be read but not stored as a value.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if a stored package cannot be read; an error as any handle of a session gives, see
 * `ls_session`.
 * Ownership: the map belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_content(ls_session *session,
                           const ls_value **out,
                           ls_error *err);

/**
 * Gets a package of the session, created, empty, if it is not there. It is stored only if it gets a key.
 *
 * `session`: the session.
 * `name`, `name_len`: see "Text"; 0 to 65,535 bytes.
 * `out`: set to the package.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a name that is not UTF-8; `LS_ERR_TOO_LARGE` for one that is too long; an error
 * as any handle of a session gives, see `ls_session`.
 * Ownership: the package belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_pkg(ls_session *session,
                       const char *name,
                       size_t name_len,
                       ls_pkg **out,
                       ls_error *err);

/**
 * Gets a package of the session if it is there; creates nothing.
 *
 * `session`: the session.
 * `name`, `name_len`: see "Text".
 * `out`: set to the package.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if there is none; `LS_ERR_ARGUMENT` for a name that is not UTF-8; an error as any
 * handle of a session gives, see `ls_session`.
 * Ownership: the package belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_peek_pkg(ls_session *session, const char *name, size_t name_len, ls_pkg **out, ls_error *err);

/**
 * Deletes a package of the session. Handles of it stay good: writing through one creates the package anew.
 *
 * `session`: the session.
 * `name`, `name_len`: see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if there is none; `LS_ERR_ARGUMENT` for a name that is not UTF-8; `LS_ERR_CORRUPT` if
 * the stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session
 * gives, see `ls_session`.
 * Ownership: values that were lent before stay readable as they were.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_delete_pkg(ls_session *session,
                              const char *name,
                              size_t name_len,
                              ls_error *err);

/**
 * Tells when the session was created. Regenerating its id does not change that.
 *
 * `session`: the session.
 * `out_ms`: set to the time, in Unix milliseconds by the store's clock.
 *
 * Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_created(ls_session *session, int64_t *out_ms, ls_error *err);

/**
 * Tells when the session was last accessed, this opening included; it may lag by the container's resolution.
 *
 * `session`: the session.
 * `out_ms`: set to the time, in Unix milliseconds by the store's clock.
 *
 * Returns `LS_OK`; an error as any handle of a session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_accessed(ls_session *session, int64_t *out_ms, ls_error *err);

/**
 * Tells the session's own idle timeout.
 *
 * `session`: the session.
 * `out_ms`: set to the timeout in milliseconds; 0 is never.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if it has none of its own, and the container's counts; `LS_ERR_RANGE` for one over
 * 2^63-1, which another program stored; an error as any handle of a session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_timeout(ls_session *session, int64_t *out_ms, ls_error *err);

/**
 * Gives the session an idle timeout of its own. That is a change like any other: stored at commit, undone by rollback.
 *
 * `session`: the session.
 * `ms`: the timeout in milliseconds, up to the container's `LS_CONTAINER_MAX_TIMEOUT`; 0 is never.
 *
 * Returns `LS_OK`; `LS_ERR_RANGE` for a negative number, or more than that; `LS_ERR_UNSUPPORTED` in a container
 * whose sessions never expire; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session
 * gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_set_timeout(ls_session *session,
                               int64_t ms,
                               ls_error *err);

/**
 * Takes the session's own idle timeout away: the container's counts again.
 *
 * `session`: the session.
 *
 * Returns `LS_OK`, also if it had none; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a
 * session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_clear_timeout(ls_session *session, ls_error *err);

/**
 * Tells when the session ends, however much it is used.
 *
 * `session`: the session.
 * `out_ms`: set to the deadline, in Unix milliseconds by the store's clock.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if it has none; an error as any handle of a session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_deadline(ls_session *session, int64_t *out_ms, ls_error *err);

/**
 * Sets when the session ends, however much it is used. That is a change like any other.
 *
 * `session`: the session.
 * `unix_ms`: the deadline, in Unix milliseconds by the store's clock. Past it the session reads as absent.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a session gives, see
 * `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_set_deadline(ls_session *session, int64_t unix_ms, ls_error *err);

/**
 * Takes the session's deadline away.
 *
 * `session`: the session.
 *
 * Returns `LS_OK`, also if it had none; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a
 * session gives, see `ls_session`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_clear_deadline(ls_session *session, ls_error *err);

/**
 * Makes a queue.
 *
 * `out`: set to the queue.
 *
 * Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if the system has no descriptors left, or cannot watch for forks.
 * Ownership: the queue is yours; free it with `ls_queue_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_queue_new(ls_queue **out, ls_error *err);

/**
 * Sets one option.
 *
 * `queue`: the queue.
 * `option`: which, an `ls_queue_option`.
 * `value`: its value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist; `LS_ERR_RANGE` for a value outside what it may
 * be; `LS_ERR_MISUSE` in a forked child.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_set(const ls_queue *queue,
                     int32_t option,
                     int64_t value,
                     ls_error *err);

/**
 * Reads one option.
 *
 * `queue`: the queue.
 * `option`: which, an `ls_queue_option`.
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for an option that does not exist.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_get(const ls_queue *queue, int32_t option, int64_t *out, ls_error *err);

/**
 * Tells the descriptor to watch: it is readable when `ls_queue_wait` has something to do, deadlines included. That may
 * turn out to be nothing to hand out.
 *
 * It may be watched in any way, for changes only (edge-triggered) too, and by several sets. A host that gives the number
 * away to something that closes it, or that goes on watching a closed number, gives it a duplicate (`dup`), and closes
 * that before `ls_queue_free`.
 *
 * `queue`: the queue.
 *
 * Returns the descriptor; -1 for NULL and in a forked child.
 * Ownership: the descriptor belongs to the queue: do nothing with it but watch it.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_fd(const ls_queue *queue);

/**
 * Goes on with everything that can go on, and hands out finished operations.
 *
 * If it hands out fewer than `n`, everything that had happened is done, and the descriptor tells of more. If it hands out
 * `n`, call it again before sleeping. Several threads may wait on one queue.
 *
 * `queue`: the queue.
 * `out`: where finished operations are written; the rest of it is not touched.
 * `n`: how many there is room for; with 0 it hands out nothing and does not wait.
 * `count`: set to how many were handed out.
 * `timeout_ms`: how long to wait if there are none; 0 is not at all, below 0 is for ever.
 *
 * Returns `LS_OK`, also with a count of 0; `LS_ERR_MISUSE` in a forked child, from a log callback inside a call on this
 * queue, and if the queue was freed meanwhile; `LS_ERR_UNAVAILABLE` if the system cannot wait.
 * Ownership: sessions that are handed out belong to their transactions.
 * I/O: store, and waits as long as `timeout_ms` says. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_wait(const ls_queue *queue,
                      ls_completion *out,
                      size_t n,
                      size_t *count,
                      int64_t timeout_ms,
                      ls_error *err);

/**
 * Sends what was started and not sent. Of use with `LS_QUEUE_CORK`, and harmless without.
 *
 * `queue`: the queue.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` in a forked child, and from a log callback inside a call on this queue.
 * Ownership: none.
 * I/O: store, but never waits. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_flush(const ls_queue *queue, ls_error *err);

/**
 * Cancels an operation: what was not sent is not sent any more. It comes out of `ls_queue_wait` like any other.
 *
 * What was cancelled in time comes out as `LS_ERR_CANCELLED`. The transaction of a load stays usable. A commit or prepare
 * that is cancelled has failed: with `LS_ERR_CANCELLED` nothing is stored; if something was sent and not answered it is
 * `LS_ERR_UNKNOWN`, or `LS_ERR_PARTIAL` if some is stored, and the report says what became of each session.
 *
 * `queue`: the queue.
 * `op`: which operation; one that has finished, or that there never was, is none.
 *
 * Returns `LS_OK`; `LS_ERR_MISUSE` in a forked child.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_queue_cancel(const ls_queue *queue,
                        uint64_t op,
                        ls_error *err);

/**
 * Frees a queue: cancels its operations, as `ls_queue_cancel` does, and hands out none of them. Their transactions are
 * the caller's as before. A thread that is inside `ls_queue_wait` returns with `LS_ERR_MISUSE`.
 *
 * In a forked child it leaves everything where it is: the descriptors are the parent's.
 *
 * `queue`: what to free; NULL is allowed.
 *
 * Ownership: takes the queue.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
void ls_queue_free(ls_queue *queue);

/**
 * Starts opening a session: `ls_session_get` that does not wait.
 *
 * Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
 * `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it: then its completion has no session.
 *
 * `txn`: an active transaction; a prepared one gives what it has open.
 * `container`: where the session is.
 * `id`, `id_len`: which session; see `ls_session_get`.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_session_get` can return is the status of the completion;
 * `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
 * Ownership: `container` and `queue` stay yours. The session of the completion belongs to the transaction.
 * I/O: store, but never waits. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_get_start(ls_txn *txn,
                             const ls_container *container,
                             const char *id,
                             size_t id_len,
                             const ls_queue *queue,
                             uint64_t user_data,
                             uint64_t *op,
                             ls_error *err);

/**
 * Starts asking whether there is a session: `ls_session_exists` that does not wait.
 *
 * Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
 * `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
 *
 * `txn`: an active or prepared transaction.
 * `container`: where it would be.
 * `id`, `id_len`: which session; see "Text".
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what `ls_session_exists` returns is the status of the completion; `LS_ERR_MISUSE`
 * if the transaction is in use, or the queue was made before a fork.
 * Ownership: `container` and `queue` stay yours.
 * I/O: store, but never waits. Threads: exclusive. Since: 0.1.
 */
int32_t ls_session_exists_start(ls_txn *txn,
                                const ls_container *container,
                                const char *id,
                                size_t id_len,
                                const ls_queue *queue,
                                uint64_t user_data,
                                uint64_t *op,
                                ls_error *err);

/**
 * Opens many sessions of a container at once, in one round trip to each server: `ls_session_get` then finds them open.
 *
 * `txn`: an active transaction.
 * `container`: where they are.
 * `ids`, `id_lens`: which sessions: `n` pointers and `n` lengths; see "Text". Without lengths (NULL) each id ends with
 * its NUL. The same id twice is once.
 * `n`: how many.
 *
 * Returns `LS_OK` if all are open; else, as `ls_session_get`, the status of the first that could not be opened: the
 * others are open, and opening it tries again. `LS_ERR_MISUSE` also if the transaction is prepared.
 * Ownership: the sessions belong to the transaction. `container` stays yours.
 * I/O: store. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_prefetch(ls_txn *txn,
                        const ls_container *container,
                        const char *const *ids,
                        const size_t *id_lens,
                        size_t n,
                        ls_error *err);

/**
 * Starts opening many sessions: `ls_txn_prefetch` that does not wait.
 *
 * Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
 * `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
 *
 * `txn`: an active transaction.
 * `container`: where they are.
 * `ids`, `id_lens`, `n`: which sessions; see `ls_txn_prefetch`.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_txn_prefetch` can return is the status of the completion;
 * `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
 * Ownership: `container` and `queue` stay yours.
 * I/O: store, but never waits. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_prefetch_start(ls_txn *txn,
                              const ls_container *container,
                              const char *const *ids,
                              const size_t *id_lens,
                              size_t n,
                              const ls_queue *queue,
                              uint64_t user_data,
                              uint64_t *op,
                              ls_error *err);

/**
 * Starts the vote on a commit: `ls_txn_prepare` that does not wait.
 *
 * Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
 * `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
 *
 * `txn`: an active transaction.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_txn_prepare` can return is the status of the completion, or
 * `LS_ERR_CANCELLED`; `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a fork.
 * Ownership: `queue` stays yours.
 * I/O: store, but never waits. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_prepare_start(ls_txn *txn, const ls_queue *queue, uint64_t user_data, uint64_t *op, ls_error *err);

/**
 * Starts a commit: `ls_txn_commit` that does not wait.
 *
 * Until the operation is handed out by `ls_queue_wait`, every other call on the transaction and what it lent answers
 * `LS_ERR_MISUSE`, but `ls_txn_free`, which cancels it.
 *
 * `txn`: an active or prepared transaction.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_txn_commit` can return is the status of the completion, or
 * `LS_ERR_CANCELLED`: nothing is stored; `LS_ERR_MISUSE` if the transaction is in use, or the queue was made before a
 * fork.
 * Ownership: `queue` stays yours.
 * I/O: store, but never waits. Threads: exclusive. Since: 0.1.
 */
int32_t ls_txn_commit_start(ls_txn *txn, const ls_queue *queue, uint64_t user_data, uint64_t *op, ls_error *err);

/**
 * Starts asking whether the store answers: `ls_store_ping` that does not wait.
 *
 * `store`: what to ask.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_store_ping` can return is the status of the completion;
 * `LS_ERR_MISUSE` if the queue was made before a fork.
 * Ownership: `queue` stays yours.
 * I/O: store, but never waits. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_ping_start(const ls_store *store,
                            const ls_queue *queue,
                            uint64_t user_data,
                            uint64_t *op,
                            ls_error *err);

/**
 * Starts removing everything from the store: `ls_store_flush` that does not wait.
 *
 * `store`: what to empty.
 * `queue`: where the operation runs.
 * `user_data`: any number; the completion has it.
 * `op`: set to the number of the operation; may be NULL.
 *
 * Returns `LS_OK` if it was started: what else `ls_store_flush` can return is the status of the completion;
 * `LS_ERR_MISUSE` if the queue was made before a fork.
 * Ownership: `queue` stays yours.
 * I/O: store, but never waits. Threads: concurrent. Since: 0.1.
 */
int32_t ls_store_flush_start(const ls_store *store,
                             const ls_queue *queue,
                             uint64_t user_data,
                             uint64_t *op,
                             ls_error *err);

/**
 * Tells the name of a package.
 *
 * `pkg`: the package.
 * `out`, `out_len`: set to the name; see "Text".
 *
 * Returns `LS_OK`; an error as any handle of a package gives, see `ls_pkg`.
 * Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_name(ls_pkg *pkg, const char **out, size_t *out_len, ls_error *err);

/**
 * Reads the value under a key. The same unchanged value is lent from the same address.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`: set to the value, which later changes do not change.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT`
 * if what is stored cannot be read; an error as any handle of a package gives, see `ls_pkg`.
 * Ownership: the value belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get(ls_pkg *pkg,
                   const char *key,
                   size_t key_len,
                   const ls_value **out,
                   ls_error *err);

/**
 * Sets a key to a copy of a value, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `value`: what to set.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_TOO_LARGE` for a key that is too long, a value
 * nested too deep to be stored, or more than 1,000,000 keys; `LS_ERR_CORRUPT` if the stored package cannot be read;
 * `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a package gives, see `ls_pkg`. After an error
 * the key has what it had.
 * Ownership: `value` stays whose it was.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set(ls_pkg *pkg,
                   const char *key,
                   size_t key_len,
                   const ls_value *value,
                   ls_error *err);

/**
 * Adds to an integer. Increments by concurrent transactions are all kept: they merge by adding.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; an absent key counts as 0.
 * `delta`: what to add; may be negative.
 * `out`: set to the sum as this transaction sees it; may be NULL.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if the key holds anything but an integer; `LS_ERR_RANGE` if the sum does not fit in 64
 * bits, or all that the transaction added to what was loaded does not; else as `ls_pkg_set`. After an error the key has
 * what it had.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_add(ls_pkg *pkg,
                   const char *key,
                   size_t key_len,
                   int64_t delta,
                   int64_t *out,
                   ls_error *err);

/**
 * Deletes a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if it is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if the
 * stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared; an error as any handle of a package
 * gives, see `ls_pkg`.
 * Ownership: a value that was lent before stays readable as it was.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_delete(ls_pkg *pkg,
                      const char *key,
                      size_t key_len,
                      ls_error *err);

/**
 * Deletes all keys. The package stays.
 *
 * `pkg`: the package.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; `LS_ERR_MISUSE` if the transaction is prepared;
 * an error as any handle of a package gives, see `ls_pkg`.
 * Ownership: values that were lent before stay readable as they were.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_clear(ls_pkg *pkg,
                     ls_error *err);

/**
 * Asks whether a key is there. Null counts: it is a value.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 *
 * Returns `LS_OK` if it is; `LS_NOT_FOUND` if not; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if the
 * stored package cannot be read; an error as any handle of a package gives, see `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_contains(ls_pkg *pkg,
                        const char *key,
                        size_t key_len,
                        ls_error *err);

/**
 * Counts the keys.
 *
 * `pkg`: the package.
 * `out`: set to the number.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; an error as any handle of a package gives, see
 * `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_len(ls_pkg *pkg,
                   size_t *out,
                   ls_error *err);

/**
 * Lists the keys, sorted by their bytes.
 *
 * `pkg`: the package.
 * `out`: set to a list of text: a snapshot, which later changes do not change.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if the stored package cannot be read; an error as any handle of a package gives, see
 * `ls_pkg`.
 * Ownership: the list belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_keys(ls_pkg *pkg,
                    const ls_value **out,
                    ls_error *err);

/**
 * Reads the whole package.
 *
 * `pkg`: the package.
 * `out`: set to a map: a snapshot, which later changes do not change.
 *
 * Values may be 64 deep, and are one deeper in this map, which can be read but not stored as a value.
 *
 * Returns `LS_OK`; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any handle of a package gives, see
 * `ls_pkg`.
 * Ownership: the map belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_content(ls_pkg *pkg, const ls_value **out, ls_error *err);

/**
 * Makes a map the whole content of the package: other keys are deleted.
 *
 * `pkg`: the package.
 * `map`: the content.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; else as `ls_pkg_set`.
 * Ownership: `map` stays whose it was.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_replace(ls_pkg *pkg, const ls_value *map, ls_error *err);

/**
 * Sets each key of a map. Other keys stay.
 *
 * `pkg`: the package.
 * `map`: what to set.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; else as `ls_pkg_set`. After an error the package is as it was.
 * Ownership: `map` stays whose it was.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_update(ls_pkg *pkg, const ls_value *map, ls_error *err);

/**
 * Tells the type of the value under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`: set to an `ls_type`.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT`
 * if what is stored cannot be read; an error as any handle of a package gives, see `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_type(ls_pkg *pkg,
                    const char *key,
                    size_t key_len,
                    int32_t *out,
                    ls_error *err);

/**
 * Reads the boolean stored under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else;
 * `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
 * handle of a package gives, see `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get_bool(ls_pkg *pkg, const char *key, size_t key_len, bool *out, ls_error *err);

/**
 * Reads the integer stored under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, a float included;
 * `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
 * handle of a package gives, see `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get_i64(ls_pkg *pkg,
                       const char *key,
                       size_t key_len,
                       int64_t *out,
                       ls_error *err);

/**
 * Reads the float stored under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, an integer included;
 * `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
 * handle of a package gives, see `ls_pkg`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get_f64(ls_pkg *pkg,
                       const char *key,
                       size_t key_len,
                       double *out,
                       ls_error *err);

/**
 * Reads the text stored under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`, `out_len`: set to the text; see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, bytes included;
 * `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
 * handle of a package gives, see `ls_pkg`.
 * Ownership: the text belongs to the transaction and lives until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get_text(ls_pkg *pkg,
                        const char *key,
                        size_t key_len,
                        const char **out,
                        size_t *out_len,
                        ls_error *err);

/**
 * Reads the bytes stored under a key.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text".
 * `out`, `out_len`: set to the bytes, which no NUL follows; neither may be NULL.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if the value is anything else, text included;
 * `LS_ERR_ARGUMENT` for a key that is not UTF-8; `LS_ERR_CORRUPT` if what is stored cannot be read; an error as any
 * handle of a package gives, see `ls_pkg`.
 * Ownership: the bytes belong to the transaction and live until `ls_txn_free`.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_get_bytes(ls_pkg *pkg,
                         const char *key,
                         size_t key_len,
                         const void **out,
                         size_t *out_len,
                         ls_error *err);

/**
 * Sets a key to null, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 *
 * Returns `LS_OK`; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_null(ls_pkg *pkg, const char *key, size_t key_len, ls_error *err);

/**
 * Sets a key to a boolean, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `value`: what to set.
 *
 * Returns `LS_OK`; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_bool(ls_pkg *pkg, const char *key, size_t key_len, bool value, ls_error *err);

/**
 * Sets a key to an integer, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `value`: what to set.
 *
 * Returns `LS_OK`; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_i64(ls_pkg *pkg, const char *key, size_t key_len, int64_t value, ls_error *err);

/**
 * Sets a key to a float, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `value`: what to set; all bits are kept, those of NaN included.
 *
 * Returns `LS_OK`; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_f64(ls_pkg *pkg, const char *key, size_t key_len, double value, ls_error *err);

/**
 * Sets a key to text, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `text`, `text_len`: what to set, copied; see "Text".
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for text that is not UTF-8; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_text(ls_pkg *pkg,
                        const char *key,
                        size_t key_len,
                        const char *text,
                        size_t text_len,
                        ls_error *err);

/**
 * Sets a key to bytes, in place of what it had. Setting an equal value is no change.
 *
 * `pkg`: the package.
 * `key`, `key_len`: see "Text"; 0 to 65,535 bytes.
 * `bytes`, `bytes_len`: what to set, copied; see "Text".
 *
 * Returns `LS_OK`; else as `ls_pkg_set`.
 * Ownership: none.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_pkg_set_bytes(ls_pkg *pkg,
                         const char *key,
                         size_t key_len,
                         const void *bytes,
                         size_t bytes_len,
                         ls_error *err);

/**
 * Tells whether two values are equal: of the same type, in depth, floats by their bits.
 *
 * `a`, `b`: what to compare.
 *
 * Returns true if they are; false if either is NULL.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
bool ls_value_equal(const ls_value *a, const ls_value *b);

/**
 * Copies a value, such as one that a transaction lends.
 *
 * `value`: what to copy.
 * `out`: set to the copy.
 *
 * Returns `LS_OK`.
 * Ownership: the copy is yours; free it with `ls_value_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_copy(const ls_value *value, ls_value **out, ls_error *err);

/**
 * Frees a value that you made, copied or read from JSON or MessagePack; not one that is lent.
 *
 * `value`: what to free; NULL is allowed.
 *
 * Ownership: takes the value; what was lent from it ends.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
void ls_value_free(ls_value *value);

/**
 * Writes a value as JSON: integers as digits, all 64 bits; floats in the shortest form that reads back the same, with
 * '.' or 'e'; maps sorted by key.
 *
 * `value`: what to write.
 * `out`, `out_len`: set to the JSON; see "Text".
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` for bytes, NaN and infinities, which JSON has not, the message naming the path.
 * Ownership: the text is yours; free it with `ls_text_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_to_json(const ls_value *value, char **out, size_t *out_len, ls_error *err);

/**
 * Reads JSON. A number without '.' and 'e' is an integer.
 *
 * `text`, `text_len`: the JSON; see "Text".
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for what is not JSON: duplicate names, lone surrogates, text after the end and
 * invalid UTF-8 included; `LS_ERR_RANGE` for a number outside 64 bits; `LS_ERR_TOO_LARGE` if it is nested more than 64
 * deep, holds more than 1,000,000 entries in a list or map, or has a name over 65,535 bytes.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_from_json(const char *text,
                           size_t text_len,
                           ls_value **out,
                           ls_error *err);

/**
 * Frees text that a call made for you: JSON, and the statistics of a store.
 *
 * `text`: what to free; NULL is allowed.
 *
 * Ownership: takes the text.
 * I/O: none. Threads: any. Since: 0.1.
 */
void ls_text_free(char *text);

/**
 * Makes null.
 *
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_null(ls_value **out, ls_error *err);

/**
 * Makes a boolean.
 *
 * `value`: its content.
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_bool(bool value, ls_value **out, ls_error *err);

/**
 * Makes an integer.
 *
 * `value`: its content.
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_i64(int64_t value, ls_value **out, ls_error *err);

/**
 * Makes a float. All bits are kept, those of NaN included.
 *
 * `value`: its content.
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_f64(double value, ls_value **out, ls_error *err);

/**
 * Makes text.
 *
 * `text`, `text_len`: its content, copied; see "Text".
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` if it is not UTF-8.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_text(const char *text, size_t text_len, ls_value **out, ls_error *err);

/**
 * Makes bytes.
 *
 * `bytes`, `bytes_len`: its content, copied; see "Text".
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_bytes(const void *bytes, size_t bytes_len, ls_value **out, ls_error *err);

/**
 * Makes an empty list.
 *
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_list(ls_value **out, ls_error *err);

/**
 * Makes an empty map.
 *
 * `out`: set to the value.
 *
 * Returns `LS_OK`.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_new_map(ls_value **out, ls_error *err);

/**
 * Appends a copy of `item` to a list. The list may be appended to itself: it then holds what it was before.
 *
 * `value`: the list.
 * `item`: what to append.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is no list; `LS_ERR_TOO_LARGE` if it would hold more than 1,000,000 entries or
 * 1 GiB (what it holds twice counting twice), or be nested more than 64 deep, and is then unchanged; `LS_ERR_MISUSE`
 * while another thread changes it.
 * Ownership: `item` stays whose it was. What was lent from the list ends.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_value_list_push(ls_value *value, const ls_value *item, ls_error *err);

/**
 * Sets a key of a map to a copy of `item`, in place of what it had.
 *
 * `value`: the map.
 * `key`, `key_len`: see "Text".
 * `item`: what to set.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is no map; `LS_ERR_ARGUMENT` if the key is not UTF-8; `LS_ERR_TOO_LARGE` if the
 * key is over 65,535 bytes, or the map would hold more than 1,000,000 entries or 1 GiB (what it holds twice counting
 * twice), or be nested more than 64 deep, and is then unchanged; `LS_ERR_MISUSE` while another thread changes it.
 * Ownership: `item` stays whose it was. What was lent from the map ends.
 * I/O: none. Threads: exclusive. Since: 0.1.
 */
int32_t ls_value_map_set(ls_value *value,
                         const char *key,
                         size_t key_len,
                         const ls_value *item,
                         ls_error *err);

/**
 * Writes a value as MessagePack, which has a form for every value: integers, lengths and counts in the shortest, floats
 * always as float 64; maps sorted by key.
 *
 * `value`: what to write.
 * `out`, `out_len`: set to the MessagePack; neither may be NULL.
 *
 * Returns `LS_OK`; `LS_ERR_TOO_LARGE` for text or bytes of 4 GiB or more.
 * Ownership: the bytes are yours; free them with `ls_bytes_free`.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_to_msgpack(const ls_value *value,
                            void **out,
                            size_t *out_len,
                            ls_error *err);

/**
 * Reads MessagePack: integers of any width, float 32 and 64, str, bin, array, and map with str keys.
 *
 * `bytes`, `bytes_len`: the MessagePack; see "Text".
 * `out`: set to the value.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for what is not one whole value: duplicate keys, str that is not UTF-8 and bytes
 * after the end included; `LS_ERR_TYPE` for ext and for other keys; `LS_ERR_RANGE` for an integer over 2^63-1;
 * `LS_ERR_TOO_LARGE` if it is nested more than 64 deep, holds more than 1,000,000 entries in an array or map, or has a
 * key over 65,535 bytes. The message names the byte.
 * Ownership: the value is yours; free it with `ls_value_free`.
 * I/O: none. Threads: any. Since: 0.1.
 */
int32_t ls_value_from_msgpack(const void *bytes,
                              size_t bytes_len,
                              ls_value **out,
                              ls_error *err);

/**
 * Frees bytes that a call made for you: MessagePack.
 *
 * `bytes`: what to free; NULL is allowed.
 *
 * Ownership: takes the bytes.
 * I/O: none. Threads: any. Since: 0.1.
 */
void ls_bytes_free(void *bytes);

/**
 * Tells the type of a value.
 *
 * `value`: what to look at.
 *
 * Returns an `ls_type`; -1 for NULL.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_type(const ls_value *value);

/**
 * Reads a boolean.
 *
 * `value`: what to read.
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is something else.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_as_bool(const ls_value *value, bool *out, ls_error *err);

/**
 * Reads an integer.
 *
 * `value`: what to read.
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, a float included.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_as_i64(const ls_value *value, int64_t *out, ls_error *err);

/**
 * Reads a float.
 *
 * `value`: what to read.
 * `out`: set to its content.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, an integer included.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_as_f64(const ls_value *value, double *out, ls_error *err);

/**
 * Reads text.
 *
 * `value`: what to read.
 * `out`, `out_len`: set to its content; see "Text".
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is something else.
 * Ownership: the text belongs to the value, and ends when that is changed or freed.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_as_text(const ls_value *value, const char **out, size_t *out_len, ls_error *err);

/**
 * Reads bytes.
 *
 * `value`: what to read.
 * `out`, `out_len`: set to its content, which no NUL follows; neither may be NULL.
 *
 * Returns `LS_OK`; `LS_ERR_TYPE` if it is something else, text included.
 * Ownership: the bytes belong to the value, and end when that is changed or freed.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_as_bytes(const ls_value *value, const void **out, size_t *out_len, ls_error *err);

/**
 * Tells how much a value holds.
 *
 * `value`: what to look at.
 *
 * Returns the number of entries of a list or map, the number of bytes of text or bytes; 0 for anything else and NULL.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
size_t ls_value_len(const ls_value *value);

/**
 * Reads an item of a list.
 *
 * `value`: the list.
 * `index`: which item, from 0.
 * `out`: set to the item.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last item; `LS_ERR_TYPE` if it is no list.
 * Ownership: the item belongs to the list, and ends when that is changed or freed.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_list_at(const ls_value *value, size_t index, const ls_value **out, ls_error *err);

/**
 * Reads an entry of a map by its place. The keys of a map are sorted by their bytes.
 *
 * `value`: the map.
 * `index`: which entry, from 0.
 * `key`, `key_len`: set to its key; see "Text".
 * `out`: set to its value.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` behind the last entry; `LS_ERR_TYPE` if it is no map.
 * Ownership: key and value belong to the map, and end when that is changed or freed.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_map_at(const ls_value *value,
                        size_t index,
                        const char **key,
                        size_t *key_len,
                        const ls_value **out,
                        ls_error *err);

/**
 * Reads an entry of a map by its key.
 *
 * `value`: the map.
 * `key`, `key_len`: see "Text".
 * `out`: set to the value under the key.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if the key is absent; `LS_ERR_TYPE` if it is no map; `LS_ERR_ARGUMENT` if the key is
 * not UTF-8.
 * Ownership: the value belongs to the map, and ends when that is changed or freed.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_value_map_get(const ls_value *value,
                         const char *key,
                         size_t key_len,
                         const ls_value **out,
                         ls_error *err);

/**
 * Moves the store's clock forward: everything in it ages, idle timeouts and deadlines included.
 *
 * `store`: whose clock; all handles to the store in this process see it.
 * `ms`: by how many milliseconds.
 *
 * Returns `LS_OK`; `LS_ERR_RANGE` for a negative number, or a time beyond what can be represented.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_clock_advance(const ls_store *store, int64_t ms, ls_error *err);

/**
 * Reads the store's clock.
 *
 * `store`: whose clock.
 * `out_ms`: set to the time in Unix milliseconds.
 *
 * Returns `LS_OK`.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_clock_now(const ls_store *store, int64_t *out_ms, ls_error *err);

/**
 * Makes one stored session look as if it had not been opened for a time, in addition to what it was. One that has
 * less of its timeout left is gone.
 *
 * `container`: where it is.
 * `id`, `id_len`: which session; see "Text".
 * `ms`: for how many milliseconds.
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if it is not stored; `LS_ERR_RANGE` for a negative number; `LS_ERR_ARGUMENT` or
 * `LS_ERR_TOO_LARGE` for an id that cannot be; else as `ls_store_ping`.
 * Ownership: none.
 * I/O: store. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_session_idle(const ls_container *container, const char *id, size_t id_len, int64_t ms, ls_error *err);

/**
 * Removes one stored session as if the server had evicted it: no tombstone stays.
 *
 * `container`: where it is.
 * `id`, `id_len`: which session; see "Text".
 *
 * Returns `LS_OK`; `LS_NOT_FOUND` if it is not stored; `LS_ERR_ARGUMENT` or `LS_ERR_TOO_LARGE` for an id that cannot
 * be; else as `ls_store_ping`.
 * Ownership: none.
 * I/O: store. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_session_drop(const ls_container *container, const char *id, size_t id_len, ls_error *err);

/**
 * Makes a `memory://` store fail. Of several faults the first that was scripted and still has some left wins.
 *
 * `store`: which store; all handles to it in this process see it.
 * `kind`: what goes wrong, an `ls_fault`.
 * `ops`: a sum of `LS_FAULT_OP_...`: the operations that it meets.
 * `skip`: how many items of these operations pass before.
 * `count`: for how many items after that; 0 until `ls_test_fault_clear`.
 *
 * Returns `LS_OK`; `LS_ERR_ARGUMENT` for a kind or an operation that does not exist; `LS_ERR_UNSUPPORTED` for a store
 * that cannot be made to fail, or that was opened before a fork; `LS_ERR_TOO_LARGE` after 1,000 faults.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_fault(const ls_store *store,
                      int32_t kind,
                      uint32_t ops,
                      uint64_t skip,
                      uint64_t count,
                      ls_error *err);

/**
 * Forgets all faults of a store.
 *
 * `store`: which store.
 *
 * Returns `LS_OK`; `LS_ERR_UNSUPPORTED` for a store that cannot be made to fail, or that was opened before a fork.
 * Ownership: none.
 * I/O: none. Threads: concurrent. Since: 0.1.
 */
int32_t ls_test_fault_clear(const ls_store *store, ls_error *err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LOVELY_SESSION_H */
