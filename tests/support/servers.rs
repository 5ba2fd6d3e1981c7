//! Several memcached servers that are one store.

use lovely_session::store::{Key, Store, StoreOptions};

use super::memcached::Memcached;

/// Some servers, each of its own port.
#[derive(Debug)]
pub struct Servers {
    /// In the order of a store on them: [`Store::place`] counts so.
    pub each: Vec<Memcached>,
}

impl Servers {
    /// Starts `count` of them.
    pub fn start(count: usize) -> Self {
        let mut each: Vec<Memcached> = (0..count).map(|_| Memcached::start(&[])).collect();
        each.sort_by_key(|server| name(server).rsplit(':').next().unwrap().parse::<u16>().unwrap());
        Self { each }
    }

    /// Their names as the store's URL and its errors have them.
    pub fn names(&self) -> Vec<String> {
        self.each.iter().map(name).collect()
    }

    /// The URL of a store on all of them, with `rest` (a path, a query) after it.
    pub fn url(&self, rest: &str) -> String {
        format!("memcached://{}{rest}", self.names().join(","))
    }

    /// That store.
    pub fn open(&self, rest: &str) -> Store {
        Store::open(Some(&self.url(rest)), &StoreOptions::new()).unwrap()
    }

    /// Which of them has `key`, found by asking each.
    pub fn having(&self, key: &Key) -> Vec<usize> {
        let request = format!("mg {}\r\n", key.as_str());
        let has = |server: &Memcached| server.ask(request.as_bytes(), "\r\n").starts_with("HD");
        (0..self.each.len()).filter(|&at| has(&self.each[at])).collect()
    }
}

/// The name of one server.
pub fn name(server: &Memcached) -> String {
    server.url().trim_start_matches("memcached://").to_owned()
}
