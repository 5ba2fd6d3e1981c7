//! Session ids, their digests, and the keys of records (`docs/format.md`, "Keys").
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

use std::collections::HashSet;

use lovely_session::error::Error;
use lovely_session::session::id::{check_container_name, check_id, check_prefix, digest, key, random_id};

#[test]
fn a_random_id_is_32_url_safe_characters() {
    let id = random_id().unwrap();
    assert_eq!(id.len(), 32);
    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{id}");
    check_id(id.as_bytes()).unwrap();
}

#[test]
fn random_ids_differ_and_use_every_character() {
    let ids: HashSet<String> = (0..1_000).map(|_| random_id().unwrap()).collect();
    assert_eq!(ids.len(), 1_000);
    // 32,000 characters of 64 kinds: one that is missing is not chance (e^-500).
    let used: HashSet<u8> = ids.iter().flat_map(|id| id.bytes()).collect();
    assert_eq!(used.len(), 64);
}

#[test]
fn an_id_may_be_any_1_to_8192_bytes() {
    for id in [&b"x"[..], b"\0", b"a\nb", b"\xFF\xFE\x80", b" ", &[b'x'; 8_192]] {
        check_id(id).unwrap();
    }
}

#[test]
fn an_empty_id_is_an_argument_error() {
    assert!(matches!(check_id(b""), Err(Error::Argument(_))));
}

#[test]
fn an_id_of_8193_bytes_is_too_large_and_not_repeated_in_the_error() {
    let error = check_id(&[b'x'; 8_193]).unwrap_err();
    assert!(matches!(error, Error::TooLarge(_)));
    assert!(error.to_string().contains("8192") && !error.to_string().contains("xx"), "{error}");
}

// The first three are FIPS 180-2's own vectors.
#[test]
fn the_digest_is_base64url_of_sha256() {
    let million = vec![b'a'; 1_000_000];
    let every_byte: Vec<u8> = (0..=255).collect();
    for (id, expected) in [
        (&b"abc"[..], "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"),
        (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "JI1qYdIGOLjlwCaTDD5gOaM85Flk_yFn9uzt1BnbBsE"),
        (&million, "zcduXJkU-5KBocfihNc-Z_GAmkiklyAOBG05zMcRLNA"),
        (&every_byte, "QK_y6dLYki5Hr9RkjmlnSXFYeF-9Hahw5xECZr-USIA"),
        (b"\0", "bjQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB0"),
        (b"", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
    ] {
        assert_eq!(digest(id), expected);
    }
}

#[test]
fn a_key_is_prefix_container_digest() {
    let with = key("shop", "cart", b"abc");
    assert_eq!(with.as_str(), "shop/cart/ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert_eq!(with.digest(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    assert_eq!(key("", "cart", b"abc").as_str(), "cart/ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

#[test]
fn the_longest_key_fits_memcached() {
    let longest = "x".repeat(100);
    let key = key(&check_prefix(&longest).unwrap(), &check_container_name(&longest).unwrap(), b"id");
    assert_eq!(key.as_str().len(), 245);
}

#[test]
fn names_are_percent_encoded_on_the_wire() {
    for (name, wire) in [
        ("cart", "cart"),
        ("AZaz09._~-", "AZaz09._~-"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        ("\0\n\x7f", "%00%0A%7F"),
        ("Käse", "K%C3%A4se"),
        ("\u{1F600}", "%F0%9F%98%80"),
    ] {
        assert_eq!(check_container_name(name).unwrap(), wire);
        assert_eq!(check_prefix(name).unwrap(), wire);
    }
}

#[test]
fn different_names_never_share_a_key() {
    let keys: HashSet<String> = [("a", "b/c"), ("a/b", "c"), ("", "a/b/c"), ("a%2Fb", "c"), ("a", "b%2Fc")]
        .iter()
        .map(|(prefix, name)| {
            key(&check_prefix(prefix).unwrap(), &check_container_name(name).unwrap(), b"id").as_str().to_owned()
        })
        .collect();
    assert_eq!(keys.len(), 5);
}

#[test]
fn a_container_name_is_not_empty_and_a_prefix_may_be() {
    assert!(matches!(check_container_name(""), Err(Error::Argument(_))));
    assert_eq!(check_prefix("").unwrap(), "");
}

#[test]
fn names_are_limited_to_100_characters_on_the_wire() {
    let at_the_limit = ["x".repeat(100), format!("{}/", "x".repeat(97)), "\u{20AC}".repeat(11)];
    let past_it = ["x".repeat(101), format!("{}/", "x".repeat(98)), "\u{20AC}".repeat(12), "/".repeat(50_000_000)];
    for name in &at_the_limit {
        assert!(check_container_name(name).unwrap().len() <= 100);
        assert!(check_prefix(name).unwrap().len() <= 100);
    }
    for name in &past_it {
        assert!(matches!(check_container_name(name), Err(Error::TooLarge(_))));
        assert!(matches!(check_prefix(name), Err(Error::TooLarge(_))));
    }
}
