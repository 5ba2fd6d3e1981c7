//! The pool of connections as it is, with neighbours that only tell what happens to them.
#![allow(clippy::unused_self, clippy::unnecessary_box_returns, reason = "called as the real ones are")]

#[path = "../../../src/store/memcached/aside.rs"]
mod aside;
mod models;
#[path = "../../../src/store/memcached/pool.rs"]
#[allow(clippy::module_inception, reason = "its name is its file's")]
mod pool;

/// Connections that are numbers.
pub mod connection {
    #[derive(Debug)]
    pub struct Connection {
        pub epoch: u64,
        /// Called by whoever looks whether it stands, which happens while the pool is locked.
        pub when_looked_at: Option<fn()>,
    }

    impl Connection {
        pub fn new(epoch: u64) -> Box<Self> {
            Box::new(Self { epoch, when_looked_at: None })
        }

        pub fn rest(&mut self) {}

        pub fn seems_alive(&self) -> bool {
            true
        }

        pub fn is_alive(&self) -> bool {
            if let Some(called) = self.when_looked_at {
                called();
            }
            true
        }
    }
}

pub mod handshake {
    /// What a server tells: which process it is.
    #[derive(Debug, Clone, Copy)]
    pub struct Facts {
        pub identity: u32,
    }
}

pub mod shared {
    /// No model has any.
    #[derive(Debug)]
    pub struct SharedLine;

    impl SharedLine {
        pub fn is_alive(&self) -> bool {
            true
        }
    }
}
