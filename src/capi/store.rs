//! Stores: where sessions live.

use std::ffi::c_char;
use std::time::Instant;

use super::args;
use super::error::ls_error;
use super::guard;
use super::options::ls_options;
use super::out::{LentText, Owned, WithNul};
use crate::store::{Store, StoreOptions};
use crate::value::Text;

/// A handle to a store. Opening the same store again gives another handle to it; what a `memory://` store holds lives
/// as long as any handle to it, a container, a transaction with a session of it and a registered name included.
///
/// Methods: `ls_store_open`, `ls_store_resolve`, `ls_store_ping`, `ls_store_ping_start`, `ls_store_flush`,
/// `ls_store_flush_start`, `ls_store_name`, `ls_store_stat`, `ls_store_stats_text`, `ls_store_server_count`,
/// `ls_store_server_name`, `ls_store_server_stat`, `ls_store_register`, `ls_store_find`, `ls_store_unregister`,
/// `ls_store_free`.
#[derive(Debug)]
pub struct ls_store {
    pub(super) store: Store,
    /// With its NUL, to be lent.
    name: Text,
    /// The names of its servers, the same way.
    pub(super) servers: Vec<Text>,
}

fn give(store: Store) -> *mut ls_store {
    let name = Text::new(store.name());
    let servers = store.stats().servers().iter().map(|server| Text::new(server.name())).collect();
    guard::give(ls_store { store, name, servers })
}

/// Until when a call that asks a store something may wait.
pub(super) fn deadline(store: &Store) -> Instant {
    let options = store.options();
    Instant::now() + options.connect_timeout() + options.exchange_timeout()
}

/// Opens a store by its URL.
///
/// `memory://NAME[?OPTION=VALUE&...]` is a store inside this process, the same one for the same name.
/// `memcached://HOST[:PORT][,HOST[:PORT]...][/PREFIX][?OPTION=VALUE&...]` is one on memcached servers, each of which has its
/// share of the sessions, and `memcached+unix:///PATH[?OPTION=VALUE&...]` one on a socket. Options are `size` (64m) of a
/// `memory://` store and `item_limit`, in bytes or with k, m or g, `prefix`, `flush=allow`, and in milliseconds
/// `connect_timeout`, `exchange_timeout`, `commit_timeout` and `retry_pause`; see `ls_option`. Without a URL the environment variable `LOVELY_SESSION_URL` counts, else
/// it is `memory://default`, with one warning on the log.
///
/// `url`, `url_len`: see "Text"; no URL if `url` is NULL or the length 0. With `LS_NTS` an empty text is an error: a setting
/// that is empty by mistake must not open a store that forgets.
/// `options`: as in the URL; may be NULL.
/// `out`: set to the store.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` for a URL that cannot be understood, or an option that is set differently by the
/// URL, by `options` or by who opened the store first, or is outside what it may be; `LS_ERR_UNSUPPORTED` for a kind of
/// store that this version has not.
/// Ownership: the store is yours; free it with `ls_store_free`. `options` stays yours.
/// I/O: looks up host names, and blocks for it. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_open(
    url: *const c_char,
    url_len: usize,
    options: *const ls_options,
    out: *mut *mut ls_store,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || {
        let url = if url.is_null() || url_len == 0 { None } else { Some(args::text("url", url, url_len)?) };
        let options = options.as_ref().map_or_else(|| Ok(StoreOptions::new()), ls_options::copy)?;
        Store::open(url, &options).map(give)
    })
}

/// Looks up the host names of the store's servers again.
///
/// `store`: whose servers; a `memory://` store has none.
///
/// Returns `LS_OK`; `LS_ERR_UNAVAILABLE` if a name cannot be looked up: the addresses that were known stay.
/// Ownership: none.
/// I/O: looks up host names, and blocks for it. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_resolve(store: *const ls_store, err: *mut ls_error) -> i32 {
    guard::shared("store", store, (), err, |store| store.store.resolve())
}

/// Asks whether the store answers; with several servers, whether all do.
///
/// `store`: what to ask.
///
/// Returns `LS_OK`; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or `LS_ERR_PROTOCOL` for a server that does not answer as it
/// should; `LS_ERR_UNSUPPORTED` for a `memory://` store that was opened before a fork.
/// Ownership: none.
/// I/O: store. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_ping(store: *const ls_store, err: *mut ls_error) -> i32 {
    guard::shared("store", store, (), err, |store| guard::wait(store.store.ping(deadline(&store.store))))
}

/// Removes everything from the store: the data of other applications on the same servers included.
///
/// `store`: what to empty.
///
/// Returns `LS_OK`; `LS_ERR_UNSUPPORTED` unless the store was opened with `flush=allow` (a `memory://` store always
/// may), and for a `memory://` store that was opened before a fork; `LS_ERR_UNAVAILABLE`, `LS_ERR_TIMEOUT` or
/// `LS_ERR_PROTOCOL` for a server that does not answer as it should: the others may have been emptied.
/// Ownership: none.
/// I/O: store. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_flush(store: *const ls_store, err: *mut ls_error) -> i32 {
    guard::shared("store", store, (), err, |store| guard::wait(store.store.flush(deadline(&store.store))))
}

/// Tells the store's URL in its shortest form, without options and secrets.
///
/// `store`: what to ask.
/// `out`, `out_len`: set to the name; see "Text".
///
/// Returns `LS_OK`.
/// Ownership: the text belongs to the handle and lives until `ls_store_free`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_name(
    store: *const ls_store,
    out: *mut *const c_char,
    out_len: *mut usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, LentText("out", out, out_len), err, |store| {
        WithNul::new(store.name.as_str_with_nul().as_bytes())
    })
}

/// Makes the store known under a name in this process, so that other parts of the program find it, and keeps it open.
/// Registering it again under the same name changes nothing.
///
/// `store`: what to register.
/// `name`, `name_len`: see "Text"; 0 to 100 characters.
///
/// Returns `LS_OK`; `LS_ERR_ARGUMENT` if another store has the name, or if it is too long or not UTF-8.
/// Ownership: the registry has a handle of its own, until `ls_store_unregister`.
/// I/O: none. Threads: concurrent. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_register(
    store: *const ls_store,
    name: *const c_char,
    name_len: usize,
    err: *mut ls_error,
) -> i32 {
    guard::shared("store", store, (), err, |store| store.store.register(args::text("name", name, name_len)?))
}

/// Finds the store that was registered under a name.
///
/// `name`, `name_len`: see "Text".
/// `out`: set to a handle to the store.
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the name is not registered; `LS_ERR_ARGUMENT` if it is not UTF-8.
/// Ownership: the handle is yours; free it with `ls_store_free`.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_find(
    name: *const c_char,
    name_len: usize,
    out: *mut *mut ls_store,
    err: *mut ls_error,
) -> i32 {
    guard::call(Owned(out), err, || Ok(Store::find(args::text("name", name, name_len)?).map(give)))
}

/// Forgets a name. The store stays open for those who have a handle.
///
/// `name`, `name_len`: see "Text".
///
/// Returns `LS_OK`; `LS_NOT_FOUND` if the name is not registered; `LS_ERR_ARGUMENT` if it is not UTF-8.
/// Ownership: none.
/// I/O: none. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_unregister(name: *const c_char, name_len: usize, err: *mut ls_error) -> i32 {
    guard::call((), err, || Ok(Store::unregister(args::text("name", name, name_len)?).then_some(())))
}

/// Frees a handle. Containers, transactions and other handles go on working.
///
/// `store`: what to free; NULL is allowed.
///
/// Ownership: takes the handle.
/// I/O: none. Threads: exclusive. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ls_store_free(store: *mut ls_store) {
    guard::free(store);
}
