//! Which server a session is kept on, computed anew from what `docs/` says: so a wrong server is found out too.

use crate::history::Place;

/// The place in `servers`, as the URL names them, of the server of `place`.
pub fn server_of(_place: &Place, servers: &[String]) -> usize {
    assert_eq!(servers.len(), 1, "one server is all there is so far");
    0
}
