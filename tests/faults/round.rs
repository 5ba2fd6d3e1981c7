//! One round: servers, links and clients of one seed, what is done to them, and what the clients' histories come to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::check::{self, Emptied, Findings, Promise, Violation, World};
use crate::client::{HISTORY, Orders, announced, shared_places};
use crate::config::Config;
use crate::figures::Figures;
use crate::history::{self, now};
use crate::link::{Counts, Cut, Link, Way};
use crate::memory::Memory;
use crate::placement;
use crate::random::Random;
use crate::server::{Server, end_with_parent};
use crate::socket::Address;

/// What is done to servers, links and clients.
const HARM: [&str; 7] = [EMPTIED, KILLED, STOPPED, LINK_STOPPED, LINK_CUT, CLIENT_KILLED, FILLED];
const EMPTIED: &str = "servers emptied";
const KILLED: &str = "servers killed and restarted";
const STOPPED: &str = "servers stopped and resumed";
const LINK_STOPPED: &str = "links stopped and resumed";
const LINK_CUT: &str = "links cut";
const CLIENT_KILLED: &str = "clients killed and replaced";
const FILLED: &str = "servers filled up";

/// How a round is run.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub length: Duration,
    /// A defect that the clients have, by its name.
    pub planted: Option<&'static str>,
    /// Look at the histories again and again, and stop at the first violation.
    pub is_impatient: bool,
}

/// What came of a round.
#[derive(Debug, Default)]
pub struct Outcome {
    pub findings: Findings,
    pub figures: Figures,
    /// The first violations with their stories.
    pub stories: Vec<String>,
}

/// What ends by itself.
#[derive(Debug)]
enum End {
    Thaw(usize),
    Restart(usize, u64),
    Resume(usize, Way),
    /// Takes away what fills its memory.
    Room(usize, Vec<String>),
}

/// A round under way.
struct Round<'a> {
    config: &'a Config,
    plan: &'a Plan,
    dir: PathBuf,
    began: u64,
    until: u64,
    servers: Vec<Server>,
    links: Vec<Link>,
    counts: Arc<Counts>,
    clients: Vec<Child>,
    /// Numbers of clients that were given away.
    numbers: u32,
    clients_begun: u32,
    random: Random,
    ends: Vec<(Instant, End)>,
    is_frozen: Vec<bool>,
    is_down: Vec<bool>,
    emptied: Vec<Emptied>,
    faults: BTreeMap<&'static str, u64>,
    /// Whether a server may have dropped records without telling.
    is_blind: bool,
    /// Whether one that is gone may have refused to store something.
    has_refused: bool,
    /// What the harness found by itself.
    found: Vec<Violation>,
}

/// Runs the round of `config` in `dir`, which is emptied before.
pub fn run(config: &Config, plan: &Plan, dir: &Path) -> Outcome {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    let counts = Arc::new(Counts::default());
    let sockets = Sockets::new(config);
    let servers: Vec<Server> =
        (0..config.servers).map(|_| Server::start(sockets.path("server").as_deref(), config.memory)).collect();
    let patience = Duration::from_millis(config.client.exchange_ms.max(config.client.connect_ms));
    let link = |(seed, server): (u64, &Server)| {
        let (address, seed) = (server.address().clone(), config.seed.wrapping_mul(31) + seed);
        Link::to(address, sockets.path("link"), &config.link, patience, seed, &counts)
    };
    let links: Vec<Link> = (0..).zip(&servers).map(link).collect();
    let began = now();
    let mut round = Round {
        config,
        plan,
        dir: dir.to_owned(),
        began,
        until: began + u64::try_from(plan.length.as_nanos()).unwrap(),
        is_frozen: vec![false; servers.len()],
        is_down: vec![false; servers.len()],
        servers,
        links,
        counts,
        clients: Vec::new(),
        numbers: 1,
        clients_begun: 0,
        random: Random::new(config.seed ^ 0x5EED),
        ends: Vec::new(),
        emptied: Vec::new(),
        faults: HARM.into_iter().map(|harm| (harm, 0)).collect(),
        is_blind: false,
        has_refused: false,
        found: Vec::new(),
    };
    for _ in 0..config.clients {
        let client = round.spawn(false);
        round.clients.push(client);
    }
    let world = round.play();
    let findings = round.check(&world);
    let dropped = round.servers.iter().map(|server| server.dropped().len() as u64).sum();
    round.faults.insert("records evicted", dropped);
    round.faults.insert("rounds on a unix socket", u64::from(config.is_unix));
    let mut figures = Figures::of(&world);
    figures.add_faults(&round.faults, &round.counts);
    let stories = findings.violations.iter().take(3).map(|violation| check::story(&world, violation)).collect();
    Outcome { findings, figures, stories }
}

impl Round<'_> {
    fn url(&self) -> String {
        Address::url(&self.links.iter().map(|link| link.address().clone()).collect::<Vec<_>>())
    }

    fn spawn(&mut self, is_last: bool) -> Child {
        // Every second one is on a queue, whose operations share connections: more of them at the same time show more.
        // Half of these have as many threads again that wait for what they ask of the same store.
        let may_queue = !is_last && self.plan.planted != Some("reuse");
        let (threads, on_queue) = match self.clients_begun % 4 {
            1 if may_queue => (4, 4),
            3 if may_queue => (8, 4),
            _ if is_last => (1, 0),
            _ => (self.config.client.threads, 0),
        };
        let orders = Orders {
            number: self.numbers,
            threads,
            on_queue,
            seed: self.config.seed,
            url: self.url(),
            dir: self.dir.clone(),
            config: self.config.client.clone(),
            until: self.until,
            is_last,
        };
        // One more for what the process finds out about the machine.
        self.numbers += threads + 1;
        self.clients_begun += 1;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("client").arg(serde_json::to_string(&orders).unwrap());
        command.env(crate::PLANTED, self.plan.planted.unwrap_or_default());
        let stderr = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("stderr")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        end_with_parent(&mut command);
        command.spawn().unwrap()
    }

    /// Does harm until it is time, makes peace, and has everything read once more.
    fn play(&mut self) -> World {
        let mut next_fault = Instant::now() + self.config.pause;
        let mut next_look = Instant::now() + Duration::from_secs(1);
        let mut next_word = Instant::now() + Duration::from_secs(10);
        while now() < self.until {
            if Instant::now() >= next_word {
                next_word += Duration::from_secs(10);
                let faults: u64 = self.faults.values().sum();
                println!("        seed {}: {faults} faults of servers, links and clients so far", self.config.seed);
            }
            let is_due = |end: &(Instant, End)| end.0 <= Instant::now();
            while let Some(at) = self.ends.iter().position(is_due) {
                let (_, end) = self.ends.swap_remove(at);
                self.end(end);
            }
            if Instant::now() >= next_fault {
                self.do_harm();
                let pause = u64::try_from(self.config.pause.as_millis()).unwrap();
                next_fault = Instant::now() + Duration::from_millis(self.random.next() % (2 * pause));
            }
            self.reap();
            if self.plan.is_impatient && Instant::now() >= next_look {
                let world = self.world(u64::MAX, now() - self.unheard());
                if !self.check(&world).violations.is_empty() {
                    self.kill_clients();
                    return world;
                }
                next_look = Instant::now() + Duration::from_millis(700);
            }
            sleep(Duration::from_millis(5));
        }
        self.links.iter().for_each(Link::make_peace);
        // Whatever stands still goes on before anything is asked of it.
        let (rooms, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ends).into_iter().partition(|(_, end)| matches!(end, End::Room(..)));
        others.into_iter().chain(rooms).for_each(|(_, end)| self.end(end));
        self.wait_for_clients();
        let peace = now();
        self.is_blind |= self.servers.iter().any(Server::has_kept_silent);
        let mut last = self.spawn(true);
        let status = last.wait().unwrap();
        if !status.success() {
            self.note(format!("the client that reads at the end ended with {status}"));
        }
        sleep(Duration::from_nanos(self.unheard()));
        self.world(peace, now())
    }

    /// For how long a server may keep to itself what it has dropped: its log is written when it has time.
    fn unheard(&self) -> u64 {
        if self.config.memory == Memory::Evicts { 1_500_000_000 } else { 0 }
    }

    fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    fn note(&mut self, text: String) {
        self.found.push(Violation { promise: Promise::Statuses, at: now(), place: None, text });
    }

    fn do_harm(&mut self) {
        let at = self.random.below(self.servers.len());
        let dice = self.random.below(if self.config.memory == Memory::Plenty { 100 } else { 150 });
        let mut soon = |most: u64| Instant::now() + Duration::from_millis(20 + self.random.next() % most);
        match dice {
            0..15 if !self.is_frozen[at] && !self.is_down[at] => {
                let t0 = now();
                self.servers[at].empty();
                self.emptied.push(Emptied { server: at, t0, t1: now(), how: "emptied" });
                self.count(EMPTIED);
            }
            15..28 if !self.is_down[at] => {
                let end = soon(600);
                let t0 = now() - self.unheard();
                self.is_blind |= !self.is_frozen[at] && self.servers[at].has_kept_silent();
                self.has_refused |= self.is_frozen[at] || self.servers[at].has_refused();
                self.servers[at].kill();
                self.is_down[at] = true;
                self.ends.push((end, End::Restart(at, t0)));
                self.count(KILLED);
            }
            28..45 if !self.is_frozen[at] && !self.is_down[at] => {
                let end = soon(900);
                self.servers[at].freeze();
                self.is_frozen[at] = true;
                self.ends.push((end, End::Thaw(at)));
                self.count(STOPPED);
            }
            45..65 => {
                let end = soon(900);
                let way = [Way::ToServer, Way::ToClient][dice % 2];
                self.links[at].stop(way);
                self.ends.push((end, End::Resume(at, way)));
                self.count(LINK_STOPPED);
            }
            65..85 => {
                self.links[at].cut_all([Cut::Fin, Cut::Rst, Cut::ClientOnly][dice % 3]);
                self.count(LINK_CUT);
            }
            85..100 => {
                let which = self.random.below(self.clients.len());
                let next = self.spawn(false);
                let mut client = std::mem::replace(&mut self.clients[which], next);
                client.kill().unwrap();
                client.wait().unwrap();
                self.count(CLIENT_KILLED);
            }
            100.. if !self.is_frozen[at] && !self.is_down[at] => {
                let end = soon(400);
                let random = &mut self.random;
                let filled = self.servers[at].fill(|| random.below(3) > 0);
                if self.config.memory == Memory::Refuses {
                    self.ends.push((end, End::Room(at, filled)));
                }
                self.count(FILLED);
            }
            _ => {}
        }
    }

    fn end(&mut self, end: End) {
        match end {
            End::Thaw(at) => {
                self.servers[at].thaw();
                self.is_frozen[at] = false;
            }
            End::Restart(at, t0) => {
                self.servers[at].restart();
                (self.is_down[at], self.is_frozen[at]) = (false, false);
                self.emptied.push(Emptied { server: at, t0, t1: now(), how: "killed and restarted" });
            }
            End::Resume(at, way) => self.links[at].resume(way),
            // What is down has room when it is up again; one that is stopped goes on first.
            End::Room(at, _) if self.is_down[at] => {}
            End::Room(at, filled) if self.is_frozen[at] => {
                self.ends.push((Instant::now() + Duration::from_millis(50), End::Room(at, filled)));
            }
            End::Room(at, filled) => self.servers[at].make_room(&filled),
        }
    }

    /// A client that ended before its time has found something that it could not go on with.
    fn reap(&mut self) {
        for at in 0..self.clients.len() {
            if let Some(status) = self.clients[at].try_wait().unwrap()
                && now() < self.until
            {
                self.note(format!("a client ended with {status}: {}", self.stderr()));
                self.clients[at] = self.spawn(false);
            }
        }
    }

    fn stderr(&self) -> String {
        fs::read_to_string(self.dir.join("stderr")).unwrap_or_default()
    }

    fn wait_for_clients(&mut self) {
        // Longer than any transaction may take; stalls of the machine come on top.
        let deadline = Instant::now() + Duration::from_secs(60);
        for mut client in std::mem::take(&mut self.clients) {
            let status = loop {
                match client.try_wait().unwrap() {
                    Some(status) => break Some(status),
                    None if Instant::now() > deadline => break None,
                    None => sleep(Duration::from_millis(5)),
                }
            };
            match status {
                Some(status) if status.success() => {}
                Some(status) => self.note(format!("a client ended with {status}: {}", self.stderr())),
                None => {
                    client.kill().unwrap();
                    client.wait().unwrap();
                    self.note("a client hangs".to_owned());
                }
            }
        }
    }

    fn kill_clients(&mut self) {
        for mut client in self.clients.drain(..) {
            let _ = client.kill();
            let _ = client.wait();
        }
    }

    /// All that was told to anybody until then.
    fn world(&self, peace: u64, until: u64) -> World {
        let files = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path());
        let is_history = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(HISTORY);
        let mut world = World::of(files.filter(is_history).map(|path| history::read(&path)).collect(), until);
        world.began = self.began;
        world.peace = peace;
        world.has_repeats = self.config.link.repeat > 0;
        // Where records make room for others, nearly nothing is refused.
        let is_open = |at: usize| self.is_frozen[at] || !self.is_down[at] && self.servers[at].has_refused();
        world.may_refuse = match self.config.memory {
            Memory::Plenty => false,
            Memory::Evicts => self.has_refused || (0..self.servers.len()).any(is_open),
            Memory::Refuses => true,
        };
        world.is_blind = self.is_blind;
        world.emptied.clone_from(&self.emptied);
        // What is down has lost everything already.
        let down = self.ends.iter().filter_map(|(_, end)| match end {
            End::Restart(server, t0) => Some(Emptied { server: *server, t0: *t0, t1: u64::MAX, how: "killed" }),
            _ => None,
        });
        world.emptied.extend(down);
        world.late_creations = self.links.iter().flat_map(Link::late_creations).collect();
        world.add_evictions(self.servers.iter().flat_map(Server::dropped));
        let names: Vec<String> = self.links.iter().map(|link| link.address().name()).collect();
        let places = shared_places(self.config.client.ids).into_iter().chain(announced(&self.dir));
        world.servers = places.map(|place| (place.clone(), placement::server_of(&place, &names))).collect();
        world.find_haunts();
        world
    }

    fn check(&self, world: &World) -> Findings {
        let mut findings = check::check(world);
        findings.violations.extend(self.found.iter().cloned());
        findings
    }
}

/// A directory for sockets, where there are any: their paths may not be as long as those of histories.
struct Sockets(Option<PathBuf>);

impl Sockets {
    fn new(config: &Config) -> Self {
        let dir = format!("lovely-faults-{}-{}", std::process::id(), config.seed);
        let dir = config.is_unix.then(|| std::env::temp_dir().join(dir));
        if let Some(dir) = &dir {
            let _ = fs::remove_dir_all(dir);
            fs::create_dir_all(dir).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|dir| dir.join(name))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.kill_clients();
    }
}
