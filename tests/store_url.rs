//! URLs of stores: what is understood, what is refused, and that no error repeats a secret.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use lovely_session::error::Error;
use lovely_session::store::{Address, Place, Store, StoreOption, StoreOptions, Url};

fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp { host: host.to_owned(), port }
}

// What a URL may say.
#[test]
fn names_of_embedded_stores_are_decoded() {
    let long = "x".repeat(100);
    let umlauts = "ü".repeat(100);
    for (rest, name) in [
        ("", ""),
        ("sessions", "sessions"),
        ("a/b", "a/b"),
        ("a%2Fb%20c", "a/b c"),
        ("%C3%BC", "ü"),
        (long.as_str(), long.as_str()),
        (umlauts.as_str(), umlauts.as_str()),
        ("x?", "x"),
    ] {
        let url = Url::parse(&format!("memory://{rest}")).unwrap();
        assert_eq!(url.place, Place::Memory { name: name.to_owned() }, "{rest}");
        assert_eq!(url.prefix, None);
        assert_eq!(url.options, StoreOptions::new());
    }
    assert_eq!(Url::parse("MEMORY://x").unwrap(), Url::parse("memory://x").unwrap());
    assert_eq!(Url::parse("memory://%61").unwrap().identity(), "memory://a");
    assert_eq!(Url::parse("memory://ü x").unwrap().identity(), "memory://%C3%BC%20x");
}

#[test]
fn servers_have_ports_and_are_sorted() {
    for (text, servers, identity) in [
        ("memcached://h", vec![tcp("h", 11_211)], "memcached://h:11211"),
        ("memcached://h/", vec![tcp("h", 11_211)], "memcached://h:11211"),
        ("memcached://H-1.Example:1", vec![tcp("h-1.example", 1)], "memcached://h-1.example:1"),
        ("memcached://10.0.0.1:65535", vec![tcp("10.0.0.1", 65_535)], "memcached://10.0.0.1:65535"),
        ("memcached://[0::1]", vec![tcp("::1", 11_211)], "memcached://[::1]:11211"),
        ("memcached://[::1]:22", vec![tcp("::1", 22)], "memcached://[::1]:22"),
        ("memcached://b:2,a,b:1", vec![tcp("a", 11_211), tcp("b", 1), tcp("b", 2)], "memcached://a:11211,b:1,b:2"),
    ] {
        let url = Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(url.place, Place::Memcached { servers }, "{text}");
        assert_eq!(url.identity(), identity);
        assert_eq!(Url::parse(identity).unwrap(), url, "{identity} names the same store");
    }
}

#[test]
fn sockets_have_paths_and_prefixes() {
    let url = Url::parse("memcached+unix:///run/my%20cache/m.sock?prefix=p").unwrap();
    let servers = vec![Address::Unix { path: "/run/my cache/m.sock".to_owned() }];
    assert_eq!(url.place, Place::Memcached { servers });
    assert_eq!(url.identity(), "memcached+unix:///run/my%20cache/m.sock?prefix=p");
    assert_eq!(Url::parse(&url.identity()).unwrap(), url);
}

#[test]
fn prefixes_are_in_their_wire_form() {
    for (text, prefix) in [
        ("memcached://h/shop", "shop"),
        ("memcached://h/a/b", "a%2Fb"),
        ("memcached://h?prefix=shop", "shop"),
        ("memory://x?prefix=", ""),
        ("memory://x?prefix=a%20b", "a%20b"),
        ("memory://x?prefix=A-z_0.~", "A-z_0.~"),
    ] {
        assert_eq!(Url::parse(text).unwrap().prefix.as_deref(), Some(prefix), "{text}");
    }
    let prefix = |text: &str| Url::parse(&format!("memory://x?prefix={text}"));
    // 100 characters on the wire, an encoded one counted as 3.
    assert!(prefix(&"x".repeat(100)).is_ok());
    assert!(matches!(prefix(&"x".repeat(101)), Err(Error::Argument(_))));
    assert!(prefix(&format!("{}x", "/".repeat(33))).is_ok());
    assert!(matches!(prefix(&"/".repeat(34)), Err(Error::Argument(_))));
}

#[test]
fn options_are_numbers_with_their_units() {
    for (text, option, value) in [
        ("size=1", StoreOption::MemorySize, 1),
        ("size=8k", StoreOption::MemorySize, 8 << 10),
        ("size=2M", StoreOption::MemorySize, 2 << 20),
        ("size=3g", StoreOption::MemorySize, 3 << 30),
        ("item_limit=4m", StoreOption::ItemLimit, 4 << 20),
        ("connect_timeout=250", StoreOption::ConnectTimeout, 250),
        ("exchange_timeout=251", StoreOption::ExchangeTimeout, 251),
        ("commit_timeout=86400000", StoreOption::CommitTimeout, 86_400_000),
        ("flush=allow", StoreOption::FlushAllowed, 1),
    ] {
        let options = Url::parse(&format!("memory://x?{text}")).unwrap().options;
        for other in StoreOption::ALL {
            assert_eq!(options.explicit(other), (other == option).then_some(value), "{text}");
        }
        assert_eq!(options.get(option), value);
    }
    let all = "memcached://h?size=1m&item_limit=2m&connect_timeout=1&exchange_timeout=2&commit_timeout=3&flush=allow";
    let options = Url::parse(all).unwrap().options;
    assert_eq!((options.memory_size(), options.item_limit()), (1 << 20, 2 << 20));
    assert_eq!(options.connect_timeout().as_millis(), 1);
    assert_eq!(options.exchange_timeout().as_millis(), 2);
    assert_eq!(options.commit_timeout().as_millis(), 3);
    assert!(options.flush_allowed());
}

// Limits and defaults.
#[test]
fn defaults_are_those_of_the_documents() {
    let options = StoreOptions::new();
    assert_eq!(options.connect_timeout().as_secs(), 1);
    assert_eq!(options.exchange_timeout().as_secs(), 1);
    assert_eq!(options.commit_timeout().as_secs(), 5);
    assert_eq!(options.retry_pause().as_secs(), 10);
    assert_eq!(options.memory_size(), 64 << 20);
    assert_eq!(options.item_limit(), 1 << 20);
    assert!(!options.flush_allowed());
}

#[test]
fn options_take_numbers_in_their_range_only() {
    let mut options = StoreOptions::new();
    for (number, option) in (1..).zip(StoreOption::ALL) {
        assert_eq!(StoreOption::from_number(number), Some(option));
        assert!(matches!(options.set(option, -1), Err(Error::Range(_))), "{option:?}");
        assert_eq!(options.explicit(option), None, "nothing changed");
        options.set(option, 1).unwrap();
        assert_eq!(options.get(option), 1);
    }
    assert_eq!((StoreOption::from_number(0), StoreOption::from_number(8)), (None, None));
    for option in [StoreOption::ConnectTimeout, StoreOption::MemorySize, StoreOption::ItemLimit] {
        assert!(matches!(options.set(option, 0), Err(Error::Range(_))), "{option:?}");
    }
    assert!(matches!(options.set(StoreOption::CommitTimeout, 86_400_001), Err(Error::Range(_))));
    assert!(matches!(options.set(StoreOption::ItemLimit, 1 << 32), Err(Error::Range(_))));
    assert!(matches!(options.set(StoreOption::FlushAllowed, 2), Err(Error::Range(_))));
}

/// Each URL and a word that its error must have.
const BAD: &[(&str, &str)] = &[
    ("", "begin with"),
    ("default", "begin with"),
    ("memory:default", "begin with"),
    ("redis://secret", "begin with"),
    ("memory://secret\n", "byte 15"),
    ("memory://a\0b", "byte 10"),
    ("memory://secret#x", "%23"),
    ("memory://a%2", "hexadecimal"),
    ("memory://a%zz", "hexadecimal"),
    ("memory://a%+1", "hexadecimal"),
    ("memory://%ff", "UTF-8"),
    ("memory://%00", "control"),
    ("memory://%0d%0a", "control"),
    ("memory://x?secret", "option 1"),
    ("memory://x?size=1&", "option 2"),
    ("memory://x?size=1&&flush=allow", "option 2"),
    ("memory://x?Size=1", "option 1"),
    ("memory://x?secret=1", "option 1"),
    ("memory://x?size=1&size=1", "size is given twice"),
    ("memory://x?prefix=a&prefix=a", "prefix is given twice"),
    ("memcached://h/a?prefix=a", "prefix is given twice"),
    ("memory://x?prefix=%1", "prefix"),
    ("memory://x?prefix=%00", "control"),
    ("memory://x?size=", "size"),
    ("memory://x?size=k", "size"),
    ("memory://x?size=secret", "size"),
    ("memory://x?size=0", "size"),
    ("memory://x?size=-1", "size"),
    ("memory://x?size=+1", "size"),
    ("memory://x?size=1kk", "size"),
    ("memory://x?size=1.5k", "size"),
    ("memory://x?size=٣", "size"),
    ("memory://x?size=9223372036854775808", "size"),
    ("memory://x?size=9223372036854775807k", "size"),
    ("memory://x?item_limit=4g", "item_limit"),
    ("memory://x?connect_timeout=0", "connect_timeout"),
    ("memory://x?connect_timeout=1k", "connect_timeout"),
    ("memory://x?commit_timeout=86400001", "commit_timeout"),
    ("memory://x?flush=secret", "flush"),
    ("memory://x?flush=", "flush"),
    ("memcached://", "server 1"),
    ("memcached:///p", "server 1"),
    ("memcached://h,", "server 2"),
    ("memcached://h,h:11211", "server 2 is named twice"),
    ("memcached://user:secret@h", "passwords"),
    ("memcached://h,user:secret@h2:1/p", "passwords"),
    ("memcached://h:", "port"),
    ("memcached://h:0", "port"),
    ("memcached://h:65536", "port"),
    ("memcached://h:+1", "port"),
    ("memcached://h:secret", "port"),
    ("memcached://::1", "brackets"),
    ("memcached://[::1", "']'"),
    ("memcached://[::1]x", "port"),
    ("memcached://[secret]:1", "IPv6"),
    ("memcached://h%41", "host"),
    ("memcached://h h", "host"),
    ("memcached://hôst", "host"),
    ("memcached://1.2.3", "IPv4"),
    ("memcached://0177.0.0.1", "IPv4"),
    ("memcached://h/%", "prefix"),
    ("memcached+unix://", "absolute"),
    ("memcached+unix://run/m.sock", "absolute"),
    ("memcached+unix:///", "directory"),
    ("memcached+unix:///run/", "directory"),
    ("memcached+unix:///%00", "control"),
];

#[test]
fn what_is_wrong_is_refused_by_naming_it() {
    for (text, word) in BAD {
        let Err(Error::Argument(message)) = Url::parse(text) else { panic!("{text:?} is understood") };
        assert!(message.contains(word), "{text:?}: {message}");
        assert!(!message.contains("secret") && !message.contains('\n'), "{text:?}: {message}");
    }
}

#[test]
fn lengths_are_bounded() {
    assert!(Url::parse(&format!("memory://{}", "x".repeat(101))).is_err());
    assert!(Url::parse(&format!("memory://{}", "%20".repeat(100))).is_ok());
    assert!(Url::parse(&format!("memory://{}", "%20".repeat(101))).is_err());
    assert!(Url::parse(&format!("memcached://{}", "x".repeat(253))).is_ok());
    assert!(Url::parse(&format!("memcached://{}", "x".repeat(254))).is_err());
    assert!(Url::parse(&format!("memcached+unix:///{}", "x".repeat(102))).is_ok());
    assert!(Url::parse(&format!("memcached+unix:///{}", "x".repeat(103))).is_err());
    assert!(Url::parse(&"x".repeat(10_000_000)).is_err());
}

// A seeded walk through mutations of good URLs: an answer, never a panic, and what is understood is stable.
#[test]
fn any_text_is_understood_or_refused() {
    let seeds = ["memory://a%20b?size=1k&prefix=x", "memcached://[::1]:1,h:2/p?flush=allow", "memcached+unix:///a%2Fb"];
    let pieces = ["%", "%C3", "[", "]", ":", "/", "?", "&", "=", ",", "@", "ü", "k", "0", "\u{7f}", "://"];
    let mut random = 42_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for _ in 0..50_000 {
        let mut text: Vec<char> = seeds[next(seeds.len())].chars().collect();
        for _ in 0..=next(3) {
            let at = next(text.len() + 1);
            let piece = pieces[next(pieces.len())].chars();
            let end = (at + next(3)).min(text.len());
            text.splice(at..end, piece);
        }
        let text: String = text.into_iter().collect();
        if let Ok(url) = Url::parse(&text) {
            let again = Url::parse(&url.identity()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(again.identity(), url.identity(), "{text}");
            assert_eq!(again.place, url.place, "{text}");
        }
    }
}

#[test]
fn a_store_on_memcached_is_opened_without_connecting() {
    for text in ["memcached://127.0.0.1:1", "memcached://127.0.0.1:1,127.0.0.1:2/p", "memcached+unix:///nowhere/m.sock"]
    {
        assert_eq!(Store::open(Some(text), &StoreOptions::new()).unwrap().name(), text);
    }
}
