//! A store on several servers: where records are, and that a batch over all of them is as one over one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod support;

use std::time::{Duration, Instant};

use lovely_session::io::blocking::run;
use lovely_session::session::id;
use lovely_session::store::{Action, Blob, Key, LoadItem, Loaded, Store, StoreOptions, Token, WriteItem, Written};
use support::servers::{Servers, name};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn keys(count: u32) -> Vec<Key> {
    (0..count).map(|number| id::key("", "c", number.to_string().as_bytes())).collect()
}

fn put(store: &Store, keys: &[Key]) -> Vec<Token> {
    let item = |key: &Key| WriteItem {
        key: key.clone(),
        action: Action::Put(Blob::new(key.as_str().as_bytes().to_vec()).into()),
        ttl: None,
    };
    let items: Vec<WriteItem> = keys.iter().map(item).collect();
    let token = |written| match written {
        Written::Done(token) => token,
        other => panic!("{other:?}"),
    };
    run(store.write(&items, soon())).unwrap().into_iter().map(token).collect()
}

/// Which of `keys` are found, each of which has to hold its own name.
fn found(store: &Store, keys: &[Key]) -> Vec<bool> {
    let items: Vec<LoadItem> = keys.iter().map(|key| LoadItem { key: key.clone(), renew: None }).collect();
    let loaded = run(store.load(&items, soon())).unwrap();
    let is_found = |(key, loaded): (&Key, _)| match loaded {
        Ok(Loaded::Found { blob, .. }) => *blob == *key.as_str().as_bytes(),
        Ok(Loaded::Absent) => false,
        Err(error) => panic!("{error}"),
    };
    keys.iter().zip(loaded).map(is_found).collect()
}

#[test]
fn each_record_is_on_one_server_and_all_of_them_have_some() {
    let servers = Servers::start(3);
    let (store, keys) = (servers.open(""), keys(200));
    put(&store, &keys);
    let mut counts = [0; 3];
    for key in &keys {
        let having = servers.having(key);
        assert_eq!(having.len(), 1, "{having:?}");
        counts[having[0]] += 1;
    }
    assert!(counts.iter().all(|&count| count > 30), "{counts:?}");
}

#[test]
fn a_batch_over_all_servers_gives_one_answer_for_each_item_in_its_order() {
    let servers = Servers::start(3);
    let (store, keys) = (servers.open(""), keys(500));
    let tokens = put(&store, &keys[..300]);
    let is_found = found(&store, &keys);
    assert!(is_found[..300].iter().all(|&found| found) && !is_found[300..].iter().any(|&found| found));
    let versions = run(store.versions(&keys, soon())).unwrap();
    let versions: Vec<Option<Token>> = versions.into_iter().map(Result::unwrap).collect();
    let expected: Vec<Option<Token>> = tokens.into_iter().map(Some).chain([None; 200]).collect();
    assert_eq!(versions, expected);
}

// One round trip for each server, whatever the number of records.
#[test]
fn a_batch_is_one_connection_to_each_server() {
    let servers = Servers::start(3);
    let (store, keys) = (servers.open(""), keys(100));
    let connections = || servers.each.iter().map(|server| server.stat("total_connections")).collect::<Vec<_>>();
    let before = connections();
    put(&store, &keys);
    found(&store, &keys);
    // Asking for the number makes a connection of its own.
    let made: Vec<u64> = connections().into_iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(made, [2, 2, 2]);
}

#[test]
fn the_order_of_servers_does_not_matter_and_the_usual_port_may_be_left_out() {
    let open = |url: &str| Store::open(Some(url), &StoreOptions::new()).unwrap();
    assert_eq!(open("memcached://127.0.0.1:1,127.0.0.1:2"), open("memcached://127.0.0.1:2,127.0.0.1:1"));
    assert_eq!(open("memcached://127.0.0.1,127.0.0.1:2"), open("memcached://127.0.0.1:2,127.0.0.1:11211"));
    let twice = Store::open(Some("memcached://127.0.0.1,127.0.0.1:2,127.0.0.1:11211"), &StoreOptions::new());
    assert!(twice.unwrap_err().to_string().contains("server 3 is named twice"));
}

#[test]
fn a_server_that_is_added_takes_its_share_and_the_others_keep_theirs() {
    let servers = Servers::start(4);
    let all = keys(400);
    let names = servers.names();
    let before = Store::open(Some(&format!("memcached://{}", names[..3].join(","))), &StoreOptions::new()).unwrap();
    put(&before, &all);
    let after = servers.open("");
    let kept = found(&after, &all);
    let moved: Vec<Key> = all.iter().zip(kept).filter(|(_, kept)| !kept).map(|(key, _)| key.clone()).collect();
    assert!((60..140).contains(&moved.len()), "{} of 400 moved", moved.len());
    put(&after, &moved);
    for key in &moved {
        assert!(servers.having(key).contains(&3));
    }
}

#[test]
fn pinging_flushing_and_dropping_reach_the_right_servers() {
    let mut servers = Servers::start(3);
    let (store, keys) = (servers.open("?flush=allow"), keys(60));
    put(&store, &keys);
    assert!(run(store.drop_record(&keys[7], soon())).unwrap().unwrap());
    assert_eq!(found(&store, &keys).iter().filter(|&&found| found).count(), 59);
    run(store.ping(soon())).unwrap().unwrap();
    run(store.flush(soon())).unwrap().unwrap();
    assert_eq!(found(&store, &keys), [false; 60]);
    let down = name(&servers.each[1]);
    servers.each[1].kill();
    let error = run(store.ping(soon())).unwrap().unwrap_err();
    assert!(error.to_string().contains(&down), "{error}");
}
